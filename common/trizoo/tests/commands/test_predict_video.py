"""predict over videos, cameras, addresses and a pipe, on the fake framework."""

import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from trizoo.commands import predict as command
from trizoo.commands.predict import predict
from trizoo.data.video import open_video
from trizoo.ground.errors import UserError
from trizoo.tests.testing import FakeFramework
from trizoo.tests.video_files import RATE, write_video
from trizoo.tests.web import serving


@pytest.fixture
def run(weights, tmp_path, monkeypatch):
    """predict.py with these arguments, in a folder of its own -> exit code; results go to out/."""
    monkeypatch.chdir(tmp_path)
    flags = ["--weights", weights, "--out", "out", "--confidence", "0.001"]
    return lambda *more: predict(FakeFramework(), [*map(str, more), *flags])


def results():
    return json.loads(Path("out/detections.json").read_text(encoding="utf-8"))


def read(path):
    """The rate and the frames of a video."""
    with open_video(str(path), path) as video:
        return video.rate, list(video.frames(1))


def test_a_video_is_drawn_frame_by_frame_at_its_rate_and_read_again(run, tmp_path, capsys):
    run(write_video(tmp_path / "film.mp4", sound="aac"), "--json", "--batch-size", "4")
    rate, frames = read("out/film.mp4")
    assert (rate, len(frames)) == (RATE, 30)
    assert [frame.time for frame in frames] == [number / RATE for number in range(30)]
    found = results()
    assert {result["image"] for result in found} == {str(tmp_path / "film.mp4")}
    assert [result["frame"] for result in found] == list(range(30))
    assert [result["seconds"] for result in found] == [round(number * 1001 / 30_000, 3) for number in range(30)]
    _, originals = read(tmp_path / "film.mp4")
    changed = [np.abs(a.pixels.astype(int) - b.pixels).max() > 60 for a, b in zip(frames, originals, strict=True)]
    assert all(changed)
    assert all(result["detections"] for result in found)
    assert "film.mp4: 30 frames\n" in capsys.readouterr().out


def test_of_a_video_each_third_frame_is_looked_at_and_its_length_stays(run, tmp_path):
    run(write_video(tmp_path / "film.mp4"), "--json", "--every", "3")
    rate, frames = read("out/film.mp4")
    assert [result["frame"] for result in results()] == list(range(0, 30, 3))
    assert [frame.time for frame in frames] == [number / RATE for number in range(0, 30, 3)]
    assert rate == RATE / 3


def test_files_about_frames_lie_in_a_folder_of_the_videos_name(run, tmp_path):
    run(write_video(tmp_path / "film.mp4", count=2), "--voc", "--no-pictures")
    assert sorted(str(path) for path in Path("out").rglob("*.*")) == [
        "out/.trizoo",
        "out/film/000000.xml",
        "out/film/000001.xml",
    ]


def test_a_video_and_an_image_of_one_name_have_results_of_their_own(run, tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "film.png")
    run(write_video(tmp_path / "film.mp4", count=2), tmp_path / "film.png")
    assert {path.name for path in Path("out").iterdir()} == {".trizoo", "film.mp4", "film_2.png"} or {
        path.name for path in Path("out").iterdir()
    } == {".trizoo", "film_2.mp4", "film.png"}


def test_a_damaged_video_costs_itself_and_what_was_read_of_it_stays(run, tmp_path, capsys):
    whole = write_video(tmp_path / "whole.mp4", count=3)
    (tmp_path / "text.mp4").write_text("no video", encoding="utf-8")
    assert run(tmp_path / "text.mp4", whole, "--json") == 1
    assert capsys.readouterr().err.startswith(f"error: video {tmp_path}/text.mp4 isn't a video")
    assert len(results()) == 3
    assert not Path("out/text.mp4").exists()


def test_a_video_that_breaks_off_is_written_up_to_there(run, tmp_path, monkeypatch, capsys):
    from trizoo.data import given

    class Broken:
        def __init__(self, *_):
            self.rate, self.count = Fraction(25), None

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def frames(self, every):
            for number in range(3):
                yield SimpleNamespace(number=number, time=number / self.rate, pixels=np.zeros((48, 64, 3), np.uint8))
            raise UserError("video film.mp4 can't be read beyond its first 3 frames")

    monkeypatch.setattr(given, "open_video", Broken)
    (tmp_path / "film.mp4").touch()
    assert run("film.mp4", "--json", "--batch-size", "2") == 1
    assert capsys.readouterr().err == "error: video film.mp4 can't be read beyond its first 3 frames\n"
    assert [result["frame"] for result in results()] == [0, 1, 2]
    monkeypatch.undo()
    assert len(read(tmp_path / "out" / "film.mp4")[1]) == 3


class Capture:
    """cv2.VideoCapture of a camera that gives six frames and is then stopped by Ctrl-C."""

    def __init__(self, number):
        self.frames = 0

    def isOpened(self):  # noqa: N802
        return True

    def get(self, what):
        return 25.0

    def grab(self):
        self.frames += 1
        if self.frames > 6:
            raise KeyboardInterrupt
        return True

    def retrieve(self):
        return True, np.full((48, 64, 3), 90, np.uint8)

    def release(self):
        pass


def test_a_camera_is_stopped_by_ctrl_c_and_what_was_seen_is_whole(run, monkeypatch, capsys):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    assert run("0", "--json") == 0
    seen = [result["frame"] for result in results()]
    assert seen == list(range(len(seen)))
    assert len(seen) >= 4  # the last two may have been on their way
    assert len(read("out/camera0.mp4")[1]) == len(seen)
    assert results()[0]["image"] == "camera 0"
    assert f"camera 0: {len(seen)} frames" in capsys.readouterr().out


def test_without_pyav_a_video_is_refused_before_any_work(run, tmp_path, monkeypatch):
    (tmp_path / "film.mp4").touch()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"pip install 'trizoo\[video\]' would do"):
        run("film.mp4", "--weights", "nothing.h5")


def picture():
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 8, 7)).save(stream, "PNG")
    return stream.getvalue()


def test_images_and_videos_of_addresses_are_written_under_their_names(run, tmp_path, capsys):
    film = write_video(tmp_path / "film.mp4", count=3, sound="aac").read_bytes()
    files = {
        "/a/b.png": ("image/png", picture()),
        "/c/b.png": ("image/png", picture()),
        "/film.mp4": ("video/mp4", film),
    }
    with serving(files) as root:
        names = ("a/b.png", "c/b.png", "film.mp4", "nothing.png")
        assert run(*(f"{root}/{name}" for name in names), "--json") == 1
    assert [result["image"] for result in results()] == [f"{root}/{name}" for name in (*names[:2], *names[2:3] * 3)]
    assert {path.name for path in Path("out").glob("*.[pm]*")} == {"b.png", "b_2.png", "film.mp4"}
    assert capsys.readouterr().err == f"error: image {root}/nothing.png can't be fetched: HTTP 404 Not Found\n"
    assert len(read("out/film.mp4")[1]) == 3


def test_an_image_by_the_pipe_is_predicted(run, monkeypatch, capsys):
    monkeypatch.setattr(command.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(picture())))
    assert run("-", "--json") == 0
    assert [result["image"] for result in results()] == ["-"]
    assert Path("out/stdin.png").is_file()


def test_a_listed_image_that_is_not_there_costs_itself(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_bytes(picture())
    monkeypatch.setattr(command.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"nothing.png\na.png\n")))
    assert run("-", "--json") == 1
    assert [result["image"] for result in results()] == ["a.png"]
    assert capsys.readouterr().err == "error: image nothing.png doesn't exist\n"
