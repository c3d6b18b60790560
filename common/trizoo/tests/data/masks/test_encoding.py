import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.encoding import Meaning, parse_colour, parse_mask_map, parse_palette, voc_colours
from trizoo.ground.errors import UserError

PALETTE = ((0, 0, 0), (128, 0, 0), (0, 128, 0))


def save(path, pixels, mode=None):
    image = Image.fromarray(np.asarray(pixels, np.uint8)) if mode is None else Image.fromarray(pixels).convert(mode)
    image.save(path)
    return path


def save_shallow(path, bits, rows):
    """A grey PNG of 1, 2 or 4 bits, which Pillow doesn't write: rows of values, each filling whole bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    lines = b""
    for row in rows:
        text = "".join(format(value, f"0{bits}b") for value in row)
        lines += b"\0" + int(text, 2).to_bytes(len(text) // 8, "big")
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), bits, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )
    return path


def values(path, **options):
    return Meaning(**options).values(path).tolist()


def test_grey_levels_are_values(tmp_path):
    assert values(save(tmp_path / "a.png", [[0, 7], [200, 255]])) == [[0, 7], [200, 255]]


def test_palette_indices_are_values_whatever_their_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [20, 255]], np.uint8))
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    image.save(tmp_path / "a.png", transparency=0)
    assert values(tmp_path / "a.png") == [[0, 1], [20, 255]]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_levels_of_few_bits_are_values_as_they_are(tmp_path, bits):
    row = [number % (1 << bits) for number in range(8)]
    assert values(save_shallow(tmp_path / "a.png", bits, [row, row[::-1]])) == [row, row[::-1]]


def test_sixteen_bits_are_not_scaled(tmp_path):
    Image.fromarray(np.array([[0, 1000], [2, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert values(tmp_path / "a.png") == [[0, 1000], [2, 65535]]
    meaning = Meaning({1000: 1, 65535: 255})
    assert meaning.labels(meaning.values(tmp_path / "a.png"), 3, "a").tolist() == [[0, 1], [2, 255]]


def test_24_bit_grey_is_grey(tmp_path):
    grey = np.array([[0, 3], [255, 1]], np.uint8)
    assert values(save(tmp_path / "a.png", grey, "RGB")) == grey.tolist()
    assert values(save(tmp_path / "b.png", grey, "RGBA")) == grey.tolist()
    assert values(save(tmp_path / "c.png", grey, "LA")) == grey.tolist()


def test_colours_without_a_palette_are_refused_with_what_would_do(tmp_path):
    path = save(tmp_path / "a.png", [[[0, 0, 0], [128, 0, 0]], [[0, 0, 0], [0, 0, 0]]])
    with pytest.raises(UserError, match=r"a\.png is in colours \(2, most of all #000000 in 3 pixels, #800000 in 1 "):
        values(path)


def test_colours_are_found_in_the_palette(tmp_path):
    pixels = np.array(PALETTE, np.uint8)[[[2, 1], [0, 2]]]
    assert values(save(tmp_path / "a.png", pixels), palette=PALETTE) == [[2, 1], [0, 2]]
    pixels[0, 0] = 9, 8, 7
    path = save(tmp_path / "a.png", pixels)
    assert values(path, palette=PALETTE, ignore_colours=((9, 8, 7),)) == [[255, 1], [0, 2]]
    with pytest.raises(UserError, match=r"a\.png holds a colour that is no class's: #090807 in 1 pixels; add"):
        values(path, palette=PALETTE)
    pixels[:] = 3
    pixels[1, 1] = 9, 9, 9
    path = save(tmp_path / "a.png", pixels)
    with pytest.raises(UserError, match="2 colours that are no class's: #030303 in 3 pixels, #090909 in 1 "):
        values(path, palette=PALETTE)


def test_a_given_palette_reads_palette_images_by_their_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 2]], np.uint8))  # an editor's own order of colours
    image.putpalette([0, 128, 0, 0, 0, 0, 128, 0, 0])
    image.save(tmp_path / "a.png")
    assert values(tmp_path / "a.png", palette=PALETTE) == [[2, 0], [1, 1]]
    assert values(save(tmp_path / "b.png", [[0, 2]]), palette=PALETTE) == [[0, 2]]  # grey levels stay values


def test_transparent_pixels_have_no_class(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[..., 3] = 255
    assert values(save(tmp_path / "a.png", pixels)) == [[0, 0, 0], [0, 0, 0]]
    pixels[0, :2, 3] = 0
    with pytest.raises(UserError, match=r"a\.png has 2 transparent pixels \(mode RGBA\)"):
        values(save(tmp_path / "a.png", pixels))


def test_floats_and_other_modes_are_refused(tmp_path):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(
        UserError, match=r"a\.tif is of mode F, which holds fractions; class ids are whole numbers: save it"
    ):
        values(tmp_path / "a.tif")
    Image.new("CMYK", (2, 2)).save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="is of mode CMYK"):
        values(tmp_path / "a.jpg")
    Image.fromarray(np.full((2, 2), 70000, np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(UserError, match="values from 70000 to 70000"):
        values(tmp_path / "b.tif")
    (tmp_path / "c.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"c\.png is empty"):
        values(tmp_path / "c.png")


def test_the_mask_map_is_applied_once_and_255_is_ignored_without_one():
    raw = np.array([[0, 1, 255]], np.uint8)
    assert Meaning().labels(raw, 2, "a").tolist() == [[0, 1, 255]]
    assert Meaning({255: 1, 1: 0}).labels(raw, 2, "a").tolist() == [[0, 0, 1]]
    assert Meaning({1: 255}).labels(raw, 1, "a").tolist() == [[0, 255, 255]]
    assert Meaning({"0-1": 0, "2-255": 1}).labels(raw, 2, "a").tolist() == [[0, 0, 1]]
    assert Meaning().labels(raw, 2, "a").dtype == np.uint8


def test_a_value_that_is_no_class_is_named_with_its_pixels():
    with pytest.raises(UserError) as caught:
        Meaning().labels(np.array([[0, 9], [9, 200]]), 3, "folder/a.png")
    assert str(caught.value) == (
        "mask folder/a.png holds 9 in 2 pixels, which is no class, and so are 200: the classes are 0 to 2, and 255 is "
        "ignored; --mask-map 9=1 would make it class 1, 9=255 ignore it"
    )
    with pytest.raises(UserError, match="9 in 1 pixels, which the mask map makes class 5; the classes are 0 to 2"):
        Meaning({9: 5}).labels(np.array([[9]]), 3, "a.png")
    with pytest.raises(UserError, match="ignored; masks saved as JPEG hold such values: save masks as PNG"):
        Meaning().labels(np.array([[9]]), 3, "a.JPG")
    with pytest.raises(UserError, match="pictures, or masks saved as JPEG"):
        Meaning().labels(np.arange(200).reshape(10, 20), 3, "a.png")


def test_mask_maps_and_palettes_as_text():
    assert parse_mask_map("255=1") == {255: 1}
    assert parse_mask_map("128=1, 255:2") == {128: 1, 255: 2}
    assert parse_mask_map("0-127=0, 128 - 254=1,255-255=2") == {"0-127": 0, "128-254": 1, 255: 2}
    assert parse_colour("#80fF00") == (128, 255, 0)
    assert parse_palette("000000,800000,e0e0c0=255") == (((0, 0, 0), (128, 0, 0)), ((224, 224, 192),))
    palette, ignored = parse_palette("VOC")
    assert (len(palette), palette[:3], ignored) == (21, PALETTE, (voc_colours()[255],))
    for wrong in ("", "255", "a=1", "255=-1", "1=2,1=3", "1-5=1,5=2", "5-1=1", "1-70000=1", "1-=1"):
        with pytest.raises(UserError, match="mask map"):
            parse_mask_map(wrong)
    for wrong in ("", "red", "12345", "000000=1"):
        with pytest.raises(UserError, match="colour"):
            parse_palette(wrong)


@pytest.mark.parametrize(
    "options",
    [
        {"mask_map": {255: 256}},
        {"mask_map": {70000: 1}},
        {"mask_map": {"5-1": 1}},
        {"mask_map": {"1-5": 1, 3: 2}},
        {"palette": ((0, 0),)},
        {"palette": ((0, 0, 256),)},
        {"palette": ((0, 0, 1), (0, 0, 1))},
        {"palette": ((0, 0, 1),), "ignore_colours": ((0, 0, 1),)},
    ],
)
def test_impossible_meanings_are_refused(options):
    with pytest.raises(UserError):
        Meaning(**options)
