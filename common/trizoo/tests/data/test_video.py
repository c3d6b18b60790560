import os
from fractions import Fraction

import cv2
import numpy as np
import pytest

from trizoo.data.video import open_camera, open_video, upright
from trizoo.ground.errors import UserError
from trizoo.tests.video_files import RATE, write_video


def frames(path, every=1):
    with open_video(str(path), path) as video:
        return list(video.frames(every))


def test_every_frame_comes_with_its_number_time_and_pixels(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    with open_video(str(path), path) as video:
        assert (video.rate, video.count) == (RATE, 30)
        found = list(video.frames(1))
    assert [frame.number for frame in found] == list(range(30))
    assert [frame.time for frame in found] == [number / RATE for number in range(30)]
    for frame in found:
        assert (frame.pixels.shape, frame.pixels.dtype) == ((48, 64, 3), np.uint8)
        assert abs(int(frame.pixels.mean()) - 8 * frame.number) <= 3


def test_some_frames_are_left_out(tmp_path):
    found = frames(write_video(tmp_path / "a.mp4", count=8), every=3)
    assert [(frame.number, frame.time) for frame in found] == [(0, 0), (3, 3 / RATE), (6, 6 / RATE)]


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_a_frame_is_turned_as_a_player_turns_it(rotation, corner):
    """Counter-clockwise by 90 degrees, what was top left is bottom left."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    turned = upright(pixels, rotation)
    assert turned.shape == ((6, 4, 3) if rotation in (90, -90) else (4, 6, 3))
    assert turned[corner].tolist() == [255] * 3


def test_a_video_that_is_to_be_turned_comes_upright(tmp_path):
    (first, *_) = frames(write_video(tmp_path / "a.mp4", count=2, rotation=-90))
    assert first.pixels.shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("text.mp4", b"hello", r"video .*text\.mp4 isn't a video that can be read; \.mp4, "),
        ("empty.mp4", b"", "isn't a video that can be read"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", "isn't a video that can be read"),
        ("concat.mp4", b"ffconcat version 1.0\nfile a.mp4\n", "isn't a video that can be read"),
    ],
)
def test_what_is_no_video_is_one_sentence(tmp_path, name, data, sentence):
    write_video(tmp_path / "a.mp4", count=2)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=sentence) as error:
        frames(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_video_and_one_of_sound_alone_are_one_sentence(tmp_path):
    av = pytest.importorskip("av")
    with pytest.raises(UserError, match=r"nothing\.mp4 doesn't exist"):
        frames(tmp_path / "nothing.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        track = container.add_stream("aac", rate=44_100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="flt", layout="mono")
        silence.sample_rate = 44_100
        container.mux(track.encode(silence))
        container.mux(track.encode(None))
    with pytest.raises(UserError, match="holds no pictures, sound at most"):
        frames(tmp_path / "sound.mp4")


def test_a_folder_and_a_pipe_are_no_videos(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match=r"folder\.mp4 is no file but a folder, pipe or device"):
        frames(tmp_path / "folder.mp4")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(UserError, match=r"pipe\.mp4 is no file but a folder, pipe or device"):
            frames(tmp_path / "pipe.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_any_bytes_are_frames_or_one_sentence(tmp_path, name):
    whole = np.frombuffer(write_video(tmp_path / name, count=6).read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    for number in range(30):
        data = whole.copy()
        data[rng.integers(0, len(data), 1 + number)] = rng.integers(0, 256, 1 + number)
        (tmp_path / name).write_bytes(data[: rng.integers(1, len(data) + 1)] if number % 2 else data)
        try:
            found = frames(tmp_path / name)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either is right
        else:
            assert len(found) <= 300


def test_without_pyav_a_sentence_says_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UserError, match=r"pip install 'trizoo\[video\]' would do"):
        frames(tmp_path / "a.mp4")


class Capture:
    """cv2.VideoCapture of a camera that gives five frames, in BGR."""

    def __init__(self, number):
        self.number, self.left, self.released = number, 5, False

    def isOpened(self):  # noqa: N802
        return self.number == 0

    def get(self, what):
        return 25.0 if what == cv2.CAP_PROP_FPS else 0.0

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return True, np.full((4, 6, 3), (1, 2, 3), np.uint8)

    def release(self):
        self.released = True


def test_a_camera_gives_rgb_at_the_clocks_times_until_it_ends(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    times = iter([10, 10, 10.5, 11])
    with open_camera(0, clock=lambda: next(times)) as camera:
        assert (camera.rate, camera.count) == (25, None)
        found = list(camera.frames(2))
    assert [(frame.number, frame.time) for frame in found] == [(0, 0), (2, Fraction(1, 2)), (4, 1)]
    assert found[0].pixels[0, 0].tolist() == [3, 2, 1]


def test_a_camera_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with pytest.raises(UserError, match="there is no camera 7 that can be opened"), open_camera(7):
        pass
