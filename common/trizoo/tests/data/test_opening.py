"""What is opened as a picture, and the sentence where it is none."""

import numpy as np
import pytest
from PIL import Image, features

from trizoo.data.image_tree import ImageTree
from trizoo.data.images import decode, read_header, read_image
from trizoo.ground.errors import UserError


def picture(path, **options):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JPG", "mpo", "avif", "heic"])
def test_pictures_of_phones_and_browsers_are_read(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if suffix == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    picture(path, format={"mpo": "MPO", "avif": "AVIF", "heic": "HEIF"}.get(suffix, "JPEG"))
    assert read_image(path).shape == (60, 80, 3)
    assert (read_header(path).size, read_header(path).cut) == ((80, 60), False)
    assert list(ImageTree(tmp_path)) == [path]


def test_heic_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(UserError, match=r"a\.heic is HEIC, which needs a library: pip install 'trizoo\[heif\]'"):
        read_image(tmp_path / "a.heic")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "is a Git LFS pointer and not the picture; `git"),
        (b"\n<!DOCTYPE html><html>", "is a web page under a picture's name"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is HEIC under another name; call it .heic"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "is AVIF under another name"),
        (b"\x7fELF", "isn't an image that can be read; one of BMP, GIF"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(tmp_path, content, sentence):
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (read_image, read_header, decode):
        with pytest.raises(UserError) as caught:
            read(tmp_path / "a.jpg")
        assert sentence in str(caught.value)


def test_a_name_that_no_file_can_have_is_a_sentence(tmp_path):
    for read in (read_image, read_header):
        with pytest.raises(UserError, match="doesn't exist: no file can have so long a name"):
            read(tmp_path / f"{'a' * 300}.png")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_last_bytes_is_shown_as_viewers_do(tmp_path, progressive):
    path = picture(tmp_path / "a.jpg", progressive=progressive)
    whole, data = read_image(path), path.read_bytes()
    path.write_bytes(data[:-2])
    assert read_header(path).cut
    np.testing.assert_array_equal(read_image(path), whole)
    path.write_bytes(data[:-100])
    assert decode(path).size == (80, 60)
    assert abs(read_image(path).astype(int) - whole)[:40].mean() < 2
    assert read_image(path, at_least=(40, 30)).shape == (30, 40, 3)


def test_a_jpeg_without_a_good_part_of_it_is_damaged(tmp_path):
    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for read in (read_image, decode):
        with pytest.raises(
            UserError, match=r"a\.jpg is truncated or damaged \(the last \d+ of its 60 rows are missing"
        ):
            read(path)


def test_a_cut_png_is_damaged(tmp_path):
    path = picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-2000])
    assert read_header(path).cut
    with pytest.raises(UserError, match="truncated or damaged"):
        decode(path)
