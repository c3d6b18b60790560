"""trizoo recognize, with an embedding and a detector that are none."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands import recognize as command
from trizoo.commands.cli import Choice
from trizoo.commands.flags.gallery import recognize_parser
from trizoo.commands.galleries import Opened
from trizoo.gallery import index
from trizoo.gallery.file import save
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tests.galleries import EMBEDDING, mean_colours

RED, BLUE = (220, 60, 60), (60, 60, 220)
LEFT, RIGHT = (10, 10, 30, 30), (50, 10, 70, 30)


@dataclass(frozen=True)
class TwoBoxes:
    """A detector that finds the same two boxes in every image that can be read, the first of them as two classes."""

    score: float = 0.5
    nms: float = 0.4
    max_detections: int = 100

    def __call__(self, images, batch_size, *, skip):
        boxes = np.array([LEFT, LEFT, RIGHT], np.float32)
        scores = np.array([0.9, 0.8, 0.6], np.float32)
        kept = np.flatnonzero(scores >= self.score)[: self.max_detections]
        for image in images:
            try:
                image.size()
            except UserError as error:
                yield error
                continue
            yield Detections(boxes[kept], scores[kept], np.array([0, 1, 0])[kept])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """trizoo recognize in a folder with a gallery of a red and a blue thing, and a scene with both."""
    monkeypatch.chdir(tmp_path)
    vectors = mean_colours([np.full((4, 4, 3), colour, np.uint8) for colour in (RED, BLUE)])
    pictures = [Entry(name, name, name.encode().ljust(32), vector) for name, vector in zip("rb", vectors, strict=True)]
    save("g.h5", Gallery(EMBEDDING, threshold=0.9).joined(pictures))
    pixels = np.full((40, 80, 3), 128, np.uint8)
    pixels[10:30, 10:30], pixels[10:30, 50:70] = RED, (60, 220, 60)
    Image.fromarray(pixels).save("scene.png")

    def opened(args, choice, called):
        found = None if args.detector is None else Opened(TwoBoxes(), {}, ("a", "b"))
        return Opened(mean_colours, EMBEDDING, ()), found

    monkeypatch.setattr(command, "open_both", opened)

    def run(*words, source=("scene.png",)):
        args = recognize_parser().parse_args([*source, "--gallery", "g.h5", "--embedding", "e.h5", *words])
        return command.run(args, Choice(lambda: None))

    return run


def results():
    return json.loads(Path("recognized", "recognized.json").read_text(encoding="utf-8"))


def test_things_are_named_drawn_and_written(run, tmp_path, capsys):
    assert run("--detector", "d.h5", "--margin", "0.0001", "--json", "--agnostic") == 0
    out = capsys.readouterr().out
    assert out.startswith("scene.png: r ")
    assert "unknown" in out
    assert "1 image: 1 r, 1 unknown" in out
    (found,) = results()
    assert [thing["name"] for thing in found["things"]] == ["r", None]
    assert found["things"][0]["box"] == [10, 10, 30, 30]
    drawn = np.asarray(Image.open(tmp_path / "recognized" / "scene.png"))
    assert not np.array_equal(drawn, np.asarray(Image.open(tmp_path / "scene.png")))


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ([], 3),
        (["--agnostic"], 2),
        (["--confidence", "0.85"], 1),
        (["--max-detections", "2"], 2),
        (["--whole"], 4),
        (["--agnostic", "--whole"], 3),
    ],
)
def test_which_things_there_are_is_what_the_flags_say(run, flags, count):
    run("--detector", "d.h5", "--json", *flags)
    assert len(results()[0]["things"]) == count


def test_without_a_detector_a_picture_is_one_thing(run):
    Image.new("RGB", (20, 10), RED).save("red.png")
    assert run("--json", source=("red.png",)) == 0
    (found,) = results()
    assert [(thing["name"], thing["box"]) for thing in found["things"]] == [("r", [0, 0, 20, 10])]


def test_the_threshold_of_the_flags_comes_before_the_gallerys(run):
    run("--detector", "d.h5", "--json", "--threshold", "-1")
    assert all(thing["name"] for thing in results()[0]["things"])


def test_pictures_that_cannot_be_read_cost_themselves_alone(run, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert run("--detector", "d.h5", "--json", source=("broken.jpg", "scene.png")) == 1
    assert "broken.jpg" in capsys.readouterr().err
    assert [found["image"] for found in results()] == ["scene.png"]
    assert run("--no-pictures", source=("broken.jpg",)) == 2


@pytest.mark.parametrize(
    "flag", ["--agnostic", "--whole", "--confidence=0.1", "--margin=0", "--confidence=0", "--max-detections=3"]
)
def test_a_flag_of_the_detector_needs_one(run, flag):
    with pytest.raises(UserError, match="is of what a detector finds; --detector is needed too"):
        run(flag)


def test_videos_are_refused_and_other_folders_are_left_alone(run, tmp_path):
    (tmp_path / "film.mp4").touch()
    with pytest.raises(UserError, match="is a video"):
        run(source=("film.mp4",))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(UserError, match="isn't empty"):
        run("--out", "mine")


def test_a_gallery_of_other_weights_is_refused(run, monkeypatch):
    other = Opened(mean_colours, {**EMBEDDING, "input_size": [32, 32]}, ())
    monkeypatch.setattr(command, "open_both", lambda *_: (other, None))
    with pytest.raises(UserError, match=r"g.h5 holds vectors of input size \[64, 64\]"):
        run()


def test_what_a_graph_finds_is_said(run, monkeypatch, capsys):
    pytest.importorskip("usearch.index")
    monkeypatch.setattr(index, "MOST_EXACT", 1)
    assert run("--no-pictures") == 0
    assert "2 pictures are searched by a graph, which finds" in capsys.readouterr().out
    assert run("--no-pictures", "--exact") == 0
    assert "graph" not in capsys.readouterr().out
