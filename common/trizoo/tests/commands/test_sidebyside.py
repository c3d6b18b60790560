from functools import partial

import pytest

from trizoo.commands import sidebyside
from trizoo.commands.main import run
from trizoo.ground.errors import UserError
from trizoo.parity.sidebyside import compare

main = partial(run, "sidebyside", prog="trizoo sidebyside")
FILES = [compare("a.py", {"torch_zoo": "x = 1\ny = 2", "tf2_zoo": "x = 1\ny = 3", "keras_zoo": "x = 1\ny = 3"})]


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """The one model there is, a-model, is made of FILES."""

    def found(model):
        if model != "a-model":
            raise UserError(f"unknown model {model!r}")
        return FILES

    monkeypatch.setattr(sidebyside, "sidebyside", found)


def test_a_model_is_printed_in_columns_of_the_width_asked_for(capsys):
    assert main(["a-model", "--width", "80"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "* y = 2                    | y = 3                    | y = 3" in lines
    assert "  x = 1                    | x = 1                    | x = 1" in lines


def test_only_different_prints_nothing_else(capsys):
    main(["a-model", "--width", "80", "--only-different"])
    assert "x = 1" not in capsys.readouterr().out


def test_without_a_width_it_is_the_terminals(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "110")
    main(["a-model"])
    assert "  x = 1                              | x = 1" in capsys.readouterr().out


def test_a_page_is_written_and_named(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["a-model", "--html", str(path), "--only-different"]) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "y = 2" in text
    assert "x = 1" not in text


def test_an_unknown_model_is_an_error():
    with pytest.raises(UserError, match="unknown model 'yolo'"):
        main(["yolo"])


def test_a_width_of_nothing_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["a-model", "--width", "0"])
    assert "'0' is not a whole number of at least 1" in capsys.readouterr().err


def test_a_width_that_no_terminal_has_is_refused():
    with pytest.raises(UserError, match="--width is 99999999999; 10,000 characters are the most"):
        main(["a-model", "--width", "99999999999"])
