"""matplotlib's figures as files: each format carries the name of the command, and no other file is replaced."""

import pytest
from matplotlib.figure import Figure

from trizoo.ground.errors import UserError
from trizoo.pictures.figures import check_figure, save_figure


@pytest.fixture
def figure():
    """One with many parts, so that a PDF's end lies far behind its beginning."""
    figure = Figure()
    for axes in figure.subplots(3, 3).flat:
        axes.plot(range(500))
    return figure


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf", "a.PNG", "a"])
def test_a_figure_is_replaced_by_the_command_that_drew_it_alone(tmp_path, figure, name):
    path = tmp_path / name
    check_figure(path, "--out", "trizoo compare")
    save_figure(path, figure, "trizoo compare")
    check_figure(path, "--out", "trizoo compare")
    with pytest.raises(UserError, match="is there already and is no earlier result of this command"):
        check_figure(path, "--out", "trizoo parity")
    figure.savefig(path, format=path.suffix[1:].lower() or "png")
    with pytest.raises(UserError, match="is there already and is no earlier result of this command"):
        check_figure(path, "--out", "trizoo compare")


@pytest.mark.parametrize("name", ["a.xyz", "a.jpg", "a.h5"])
def test_another_ending_is_refused(tmp_path, figure, name):
    with pytest.raises(UserError, match=r"a name that ends in \.png, \.svg or \.pdf is needed"):
        check_figure(tmp_path / name, "--out", "trizoo compare")
    with pytest.raises(UserError, match=r"a name that ends in \.png, \.svg or \.pdf is needed"):
        save_figure(tmp_path / name, figure, "trizoo compare")
