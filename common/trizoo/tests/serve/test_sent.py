import io
import zlib

import numpy as np
import pytest
from PIL import Image, features

from trizoo.serve.limits import Limits
from trizoo.serve.refused import RefusedError
from trizoo.serve.sent import SentImage, plain_name

RED = Image.new("RGB", (40, 30), (255, 0, 0))


def encoded(image=RED, kind="PNG", **options):
    """An image file's bytes."""
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def refused(data, **limits):
    """(status, sentence) of what is refused before its pixels are decoded."""
    with pytest.raises(RefusedError) as caught:
        SentImage.of_bytes(data, "a.png").check(Limits(**limits))
    return int(caught.value.status), str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_an_image_of_any_kind_that_the_zoo_reads_is_taken(kind):
    photo = SentImage.of_bytes(encoded(kind=kind), "dir/a.png")
    photo.check(Limits())
    assert (photo.name, photo.size(), photo.pixels().shape) == ("a.png", (40, 30), (30, 40, 3))
    assert np.abs(photo.pixels().astype(int) - [255, 0, 0]).max() <= 2  # JPEG's red is 254


@pytest.mark.parametrize(("kind", "library"), [("AVIF", "PIL.AvifImagePlugin"), ("HEIF", "pillow_heif")])
def test_avif_and_heic_are_known_by_their_bytes(kind, library):
    plugin = pytest.importorskip(library, reason="needs what writes it")
    if kind == "HEIF":
        plugin.register_heif_opener()
    elif not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    photo = SentImage.of_bytes(encoded(Image.new("RGB", (64, 48), (255, 0, 0)), kind), "a")
    photo.check(Limits())
    assert photo.pixels().shape == (48, 64, 3)


def test_a_photo_that_exif_turns_is_upright():
    exif = Image.Exif()
    exif[274] = 6
    assert SentImage.of_bytes(encoded(kind="JPEG", exif=exif), "").size() == (30, 40)


def test_more_pixels_than_are_taken_are_refused_by_the_header():
    data = encoded(Image.new("1", (2000, 1001)))
    assert refused(data, megapixels=2) == (
        413,
        "the image has 2000x1001 pixels, and 2 million are taken; scale it down",
    )
    SentImage.of_bytes(data, "").check(Limits(megapixels=3))


def test_a_bomb_is_refused_by_its_header():
    header = b"\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00"  # 65535x65535, 8 bit RGB
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\r" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    status, text = refused(data + encoded()[33:])
    assert status == 413
    assert "too large" in text


def test_a_jpeg_of_endless_scans_is_refused():
    data = encoded(kind="JPEG", progressive=True)
    status, text = refused(data + b"\xff\xda" * 200)
    assert status == 415
    assert "scans" in text


@pytest.mark.parametrize(
    "data", [b"hello", b"<html>", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"%PDF-1.7", b"\x00" * 100, b"PK\x03\x04"]
)
def test_what_is_no_image_is_refused(data):
    status, text = refused(data)
    assert status == 415
    assert text.startswith("the image that was sent ")
    assert "data set" not in text


def test_nothing_is_refused():
    assert refused(b"")[0] == 400


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\nb\x00.png", "ab.png"),
        ("", "image"),
        ("..", ".."),
        ("x" * 300, "x" * 200),
        ("фото.png", "фото.png"),
        ("<img src=x>.png", "<img src=x>.png"),
    ],
)
def test_a_name_is_text(given, name):
    assert plain_name(given) == name


def test_a_clients_name_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.png").write_bytes(encoded())
    photo = SentImage.of_bytes(b"no image", "secret.png")
    with pytest.raises(RefusedError, match="isn't an image"):
        photo.check(Limits())
    assert not photo.path.exists()
