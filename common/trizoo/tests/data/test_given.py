import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.data.given import find_given
from trizoo.data.photo import UnreadableError
from trizoo.ground.errors import UserError
from trizoo.tests.web import serving


def png(size=(6, 4)):
    stream = io.BytesIO()
    Image.new("RGB", size, (9, 8, 7)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to be in: photos/a.png, photos/b.mp4, clip.MOV."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(png())
    (tmp_path / "photos" / "b.mp4").touch()
    (tmp_path / "clip.MOV").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(found):
    return [[item.name for item in items] for items in found]


@pytest.mark.parametrize(
    ("sources", "photos", "videos"),
    [
        (["photos"], ["photos/a.png"], []),
        (["photos/*"], ["photos/a.png"], ["photos/b.mp4"]),
        (["clip.MOV", "photos"], ["photos/a.png"], ["clip.MOV"]),
        (["0", "12"], [], ["camera 0", "camera 12"]),
        (["http://x.org/a.jpg?key=1"], ["http://x.org/a.jpg"], []),
        (["https://me:secret@x.org/b.mp4", "rtsp://me:secret@cam/1"], [], ["https://x.org/b.mp4", "rtsp://cam/1"]),
    ],
)
def test_sources_are_told_apart(here, sources, photos, videos):
    assert names(find_given(sources)) == [photos, videos]


def test_a_file_called_0_is_no_camera(here):
    Path("0").mkdir()
    (here / "0" / "a.png").write_bytes(png())
    assert names(find_given(["0"])) == [["0/a.png"], []]


def test_what_goes_on_for_good_is_known(here):
    _, footage = find_given(["0", "rtsp://cam/1", "http://x.org/live.m3u8", "http://x.org/a.mp4", "clip.MOV"])
    live = {video.name for video in footage if video.live}
    assert live == {"camera 0", "rtsp://cam/1", "http://x.org/live.m3u8"}
    assert {video.name: video.is_file for video in footage if video.is_file} == {"clip.MOV": True}


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (["ftp://x.org/a.jpg"], "the address 'ftp://x.org/a.jpg' is of a kind that isn't read; http, https and rtsp"),
        (["file:///etc/passwd"], "of a kind that isn't read"),
        ([], "no source of images is given"),
        (["nothing.jpg"], "there is no file or folder 'nothing.jpg'"),
    ],
)
def test_other_sources_are_one_sentence(here, sources, sentence):
    with pytest.raises(UserError, match=sentence):
        find_given(sources)


def test_an_image_by_the_pipe_is_one(here):
    (photo,), videos = find_given(["-"], io.BytesIO(png()))
    assert (photo.name, photo.path, photo.is_file, videos) == ("-", Path("stdin.png"), False, [])
    assert photo.pixels().tolist() == np.full((4, 6, 3), (9, 8, 7)).tolist()
    assert photo.size() == (6, 4)


def test_a_list_may_begin_as_an_image_does(here):
    assert names(find_given(["-"], io.BytesIO(b"BMW.png\n"))) == [["BMW.png"], []]


def test_a_list_by_the_pipe_is_files_addresses_folders_and_videos(here):
    text = "photos/a.png\r\n\nnothing.png\nclip.MOV\nhttp://x.org/c.jpg\nphotos/a.png\nBM.png\n"
    photos, videos = find_given(["-"], io.BytesIO(text.encode("utf-8-sig")))
    assert names((photos, videos)) == [["photos/a.png", "nothing.png", "http://x.org/c.jpg", "BM.png"], ["clip.MOV"]]
    with pytest.raises(UnreadableError, match=r"nothing\.png doesn't exist"):
        photos[1].pixels()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "nothing came by standard input"),
        (b"\0\1\2\3", "neither an image nor a list of files"),
        ("Ä.png".encode("latin-1"), "neither an image nor a list of files"),
        (b"-\n", "names - itself"),
    ],
)
def test_what_else_comes_by_the_pipe_is_one_sentence(data, sentence):
    with pytest.raises(UserError, match=sentence):
        find_given(["-"], io.BytesIO(data))


def test_an_image_of_an_address_is_fetched_once_and_when_it_is_wanted():
    data = png()
    with serving(
        {
            "/a%20b.png?k=1": ("image/png", data),
            "/page.png": ("text/html", b"<p>"),
            "/cut.png": ("image/png", data[:40]),
        }
    ) as root:
        photos, _ = find_given([f"{root}/{name}" for name in ("a%20b.png?k=1", "page.png", "cut.png")])
        assert photos[0].pixels().shape == (4, 6, 3)
        with pytest.raises(UnreadableError, match=r"image http://127\.0\.0\.1:\d+/page\.png gives text/html; "):
            photos[1].pixels()
        with pytest.raises(UnreadableError, match=r"image http://127.*/cut\.png isn't an image that can be read"):
            photos[2].pixels()
    assert photos[0].pixels().shape == (4, 6, 3)
    photos[0].forget()
    with pytest.raises(UnreadableError, match="no connection"):
        photos[0].size()
