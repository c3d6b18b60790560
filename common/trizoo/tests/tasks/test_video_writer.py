from fractions import Fraction

import numpy as np
import pytest

from trizoo.data.photo import UnreadableError
from trizoo.data.video import open_video
from trizoo.tasks.video_writer import video_writer
from trizoo.tests.video_files import RATE, write_video

av = pytest.importorskip("av")


def read(path):
    """(rate, frames, sounds' packets and their kind) of a video."""
    with open_video(str(path), path) as video:
        rate, frames = video.rate, list(video.frames(1))
    with av.open(str(path)) as container:
        tracks = container.streams.audio
        packets = [packet.size for packet in container.demux(tracks[0]) if packet.size] if tracks else []
        return rate, frames, packets, tracks[0].codec_context.name if tracks else None


@pytest.mark.parametrize("rate", [RATE, Fraction(25), Fraction(24_000, 1001), Fraction(60)])
def test_frames_keep_their_number_rate_times_and_pixels(tmp_path, rate):
    with video_writer(tmp_path / "new" / "out.mp4", rate) as writer:
        for number in range(30):
            writer.add(np.full((48, 64, 3), 8 * number, np.uint8), number / rate)
    found_rate, frames, _, kind = read(tmp_path / "new" / "out.mp4")
    assert (found_rate, len(frames), kind) == (rate, 30, None)
    assert [frame.time for frame in frames] == [number / rate for number in range(30)]
    assert all(abs(int(frame.pixels.mean()) - 8 * frame.number) <= 4 for frame in frames)
    with av.open(str(tmp_path / "new" / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"


def test_sides_become_even_and_what_is_transparent_black(tmp_path):
    picture = np.full((47, 63, 4), 200, np.uint8)
    picture[:20, :, 3] = 0
    with video_writer(tmp_path / "out.mp4", RATE) as writer:
        writer.add(picture, Fraction(0))
    _, (frame,), _, _ = read(tmp_path / "out.mp4")
    assert frame.pixels.shape == (48, 64, 3)
    assert frame.pixels[5, 5].max() < 10
    assert frame.pixels[-1, -1].min() > 190


def test_sound_is_copied_as_it_is(tmp_path):
    source = write_video(tmp_path / "in.mp4", sound="aac")
    with video_writer(tmp_path / "out.mp4", RATE, str(source)) as writer:
        for number in range(30):
            writer.add(np.zeros((48, 64, 3), np.uint8), number / RATE)
    assert writer.note is None
    assert read(tmp_path / "out.mp4")[2:] == read(source)[2:]
    assert len(read(source)[2]) > 40  # packets of 1024 samples, of 44,100


def test_sound_that_mp4_does_not_hold_is_left_out_with_a_sentence(tmp_path):
    source = write_video(tmp_path / "in.mkv", sound="pcm_s16le")
    with video_writer(tmp_path / "out.mp4", RATE, str(source)) as writer:
        writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(0))
    assert writer.note == "its sound (pcm_s16le) has no place in an MP4 file and is left out"
    assert read(tmp_path / "out.mp4")[3] is None


def test_sound_of_a_damaged_file_is_copied_or_left_out(tmp_path):
    whole = np.frombuffer(write_video(tmp_path / "in.mp4", count=2, sound="aac").read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    for number in range(30):
        data = whole.copy()
        data[rng.integers(0, len(data), 1 + number)] = rng.integers(0, 256, 1 + number)
        (tmp_path / "in.mp4").write_bytes(data)
        with video_writer(tmp_path / "out.mp4", RATE, str(tmp_path / "in.mp4")) as writer:
            writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(0))
        assert len(read(tmp_path / "out.mp4")[1]) == 1


def test_what_no_video_can_be_made_of_costs_that_video_alone(tmp_path):
    def write():
        with video_writer(tmp_path / "out.mp4", RATE) as writer:
            writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(2**60))  # seconds
            writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(-(2**60)))

    with pytest.raises(UnreadableError, match=r"out\.mp4 can't be written \(.*\); --no-pictures does without it"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_video_appears_whole_or_not_at_all(tmp_path):
    def stops():
        with video_writer(tmp_path / "out.mp4", RATE) as writer:
            writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(0))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stops()
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_fitted_and_times_that_stand_still_are_moved_on(tmp_path):
    with video_writer(tmp_path / "out.mp4", RATE) as writer:
        writer.add(np.zeros((48, 64, 3), np.uint8), Fraction(0))
        writer.add(np.full((24, 32, 3), 200, np.uint8), Fraction(0))
    _, frames, _, _ = read(tmp_path / "out.mp4")
    assert len(frames) == 2
    assert frames[1].pixels.shape == (48, 64, 3)
    assert frames[1].pixels.min() > 180
