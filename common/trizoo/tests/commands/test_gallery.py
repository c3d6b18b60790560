"""trizoo gallery, with an embedding that is none: the mean colour of a picture."""

import json

import numpy as np
import pytest
from PIL import Image

from trizoo.commands import gallery as command
from trizoo.commands.flags.gallery import METRICS
from trizoo.commands.galleries import Opened
from trizoo.commands.main import main
from trizoo.gallery import gallery as values
from trizoo.gallery import threshold
from trizoo.gallery.file import load
from trizoo.ground.errors import UserError
from trizoo.tests.galleries import EMBEDDING, mean_colours

COLOURS = {"red": (220, 60, 60), "green": (60, 220, 60), "blue": (60, 60, 220)}


@pytest.fixture
def model(monkeypatch):
    """What gallery opens: its fingerprint may be changed."""
    model = {"fingerprint": dict(EMBEDDING)}
    monkeypatch.setattr(command, "choose_for", lambda args: None)
    monkeypatch.setattr(command, "open_embedding", lambda *_: Opened(mean_colours, model["fingerprint"], ()))
    return model


@pytest.fixture
def run(model, tmp_path, monkeypatch):
    """trizoo gallery in a folder with three pictures of each of three things."""
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        (tmp_path / "things" / name).mkdir(parents=True)
        for number in range(3):
            shade = tuple(channel - 10 * number for channel in colour)
            Image.new("RGB", (8, 8), shade).save(tmp_path / "things" / name / f"{number}.png")
    return lambda *words: main(["gallery", *words])


def build(run, *words, source="things", file="g.h5"):
    return run("build", file, source, "--embedding", "e.h5", *words)


def test_build_says_what_it_holds_and_how_well_pictures_are_told_apart(run, capsys):
    assert build(run) == 0
    out = capsys.readouterr().out
    assert "of 9 pictures, left out in turn, the others name 100.0 % rightly" in out
    assert out.endswith("g.h5: 9 pictures of 3 names\n")
    assert 0 < load("g.h5").threshold < 1


def test_a_gallery_is_never_written_over(run):
    build(run)
    with pytest.raises(UserError, match=r"g\.h5 is there already; trizoo gallery add adds"):
        build(run)


def test_what_is_added_equals_a_rebuild_to_the_byte(run, tmp_path, capsys):
    build(run, file="whole.h5")
    (tmp_path / "things" / "blue").rename(tmp_path / "blue")
    build(run)
    capsys.readouterr()
    (tmp_path / "new").mkdir()
    (tmp_path / "blue").rename(tmp_path / "new" / "blue")
    assert run("add", "g.h5", "new", "--embedding", "e.h5") == 0
    assert "added 3 pictures\n" in capsys.readouterr().out
    assert (tmp_path / "g.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert run("add", "g.h5", "new", "--embedding", "e.h5") == 0
    assert "added 0 pictures; 3 were there already" in capsys.readouterr().out
    assert (tmp_path / "g.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_what_is_added_to_a_gallery_of_turned_pictures_is_turned_too(run, tmp_path, capsys):
    build(run, "--turned", file="whole.h5")
    (tmp_path / "things" / "blue").rename(tmp_path / "blue")
    build(run, "--turned")
    assert run("add", "g.h5", "blue", "--name", "blue", "--embedding", "e.h5") == 0
    whole, grown = load("whole.h5"), load("g.h5")
    assert whole.turned
    assert grown.turned
    assert np.array_equal(whole.vectors, grown.vectors)
    assert whole.threshold == grown.threshold
    capsys.readouterr()
    run("list", "g.h5")
    assert "pictures are looked at in four quarter turns" in capsys.readouterr().out


def test_one_picture_and_a_folder_without_names_have_a_name(run, capsys):
    build(run)
    assert run("add", "g.h5", "things/red/0.png", "--name", "rose", "--embedding", "e.h5") == 0
    assert run("add", "g.h5", "things/green", "--name", "leaf", "--embedding", "e.h5") == 0
    assert load("g.h5").counts == {"blue": 3, "green": 3, "leaf": 3, "red": 3, "rose": 1}


def test_names_are_removed_and_unknown_ones_are_a_sentence(run, capsys):
    build(run)
    assert run("remove", "g.h5", "red", "green") == 0
    assert "removed 6 pictures" in capsys.readouterr().out
    assert load("g.h5").counts == {"blue": 3}
    with pytest.raises(UserError, match="holds no picture of 'bleu', did you mean 'blue'"):
        run("remove", "g.h5", "bleu")


def test_list_shows_names_and_the_model(run, capsys):
    build(run, "--threshold", "0.75")
    capsys.readouterr()
    assert run("list", "g.h5") == 0
    out = capsys.readouterr().out
    assert "blue   3\n" in out
    assert "made by embed-resnet18 at 64x64" in out
    assert "a thing is known from a similarity of 0.75" in out
    assert run("list", "g.h5", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["names"]["red"] == ["red/0.png", "red/1.png", "red/2.png"]
    assert (listed["threshold"], listed["embedding"]) == (0.75, EMBEDDING)


def test_a_chosen_threshold_stays_as_pictures_come_and_go(run, capsys):
    build(run, "--threshold", "0.75")
    assert "a similarity of 0.75, as chosen" in capsys.readouterr().out
    run("remove", "g.h5", "red")
    assert load("g.h5").threshold == 0.75
    run("add", "g.h5", "things", "--embedding", "e.h5", "--threshold", "0.5")
    assert load("g.h5").threshold == 0.5


def test_one_name_has_no_measured_threshold(run, capsys):
    run("build", "g.h5", "things/red", "--name", "red", "--embedding", "e.h5")
    assert "similarity of 0.5, as of any gallery" in capsys.readouterr().out
    run("list", "g.h5")
    assert "similarity of 0.5, as of any gallery" in capsys.readouterr().out


def test_vectors_of_other_weights_are_refused(run, model):
    build(run)
    model["fingerprint"]["sha256"] = "cd" * 32
    with pytest.raises(UserError, match=r"g.h5 holds vectors of other weights \(embed-resnet18\)"):
        run("add", "g.h5", "things", "--embedding", "e.h5")


def test_pictures_that_cannot_be_read_are_told_and_the_others_count(run, tmp_path, capsys):
    (tmp_path / "things" / "red" / "9.png").write_bytes(b"no picture")
    assert build(run) == 1
    assert "9.png" in capsys.readouterr().err
    assert len(load("g.h5")) == 9
    (tmp_path / "bad" / "x").mkdir(parents=True)
    (tmp_path / "bad" / "x" / "1.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="no picture that can be read"):
        build(run, source="bad", file="bad.h5")


def test_nothing_is_written_where_no_picture_of_those_to_add_can_be_read(run, tmp_path):
    build(run)
    before = (tmp_path / "g.h5").read_bytes()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"bad\.png has no picture that can be read; g\.h5 stays as it is"):
        run("add", "g.h5", "bad.png", "--name", "x", "--embedding", "e.h5")
    assert (tmp_path / "g.h5").read_bytes() == before


@pytest.mark.parametrize("words", [["add", "g.h5", "things", "--embedding", "e.h5"], ["remove", "g.h5", "red"]])
def test_a_gallery_whose_folder_takes_no_files_is_told_before_any_work(run, tmp_path, monkeypatch, words):
    build(run)

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    monkeypatch.setattr(command, "embed", None)
    with pytest.raises(UserError, match=r"g\.h5 can't be written, since .* takes no files \(Permission denied\); name"):
        run(*words)


def test_the_folder_of_a_new_gallery_is_made(run):
    assert build(run, file="new/folder/g.h5") == 0
    assert len(load("new/folder/g.h5")) == 9


@pytest.mark.parametrize("name", ["", " ", "\u200b", "unknown", "\x1b[31m"])
def test_names_that_things_cannot_have_are_refused_before_anything_is_written(run, tmp_path, name):
    with pytest.raises(UserError, match="name"):
        build(run, "--name", name)
    assert not (tmp_path / "g.h5").exists()


def test_what_is_neither_a_list_nor_a_folder_is_a_sentence(run):
    with pytest.raises(UserError, match=r"/dev/null is no list \(\.txt, \.tsv, \.csv\)"):
        build(run, source="/dev/null")


def test_the_pictures_are_held_against_one_another_once(run, monkeypatch):
    counted = []
    monkeypatch.setattr(threshold, "suggest", lambda gallery: counted.append(gallery))
    build(run)
    run("add", "g.h5", "things/red", "--name", "rose", "--embedding", "e.h5")
    assert len(counted) == 2


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["build"],
        ["build", "", "things", "--embedding", "e"],
        ["build", "g.h5", "things", "--embedding", "e", "--threshold", "2"],
    ],
)
def test_what_is_no_command_ends_with_a_sentence(run, words, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_flags_metrics_are_the_galleries():
    assert METRICS == values.METRICS
