import gc
import threading
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from trizoo.data import images, opening
from trizoo.data.images import Header, in_threads, read_header, read_image, read_mask, read_size, sound_headers
from trizoo.ground.errors import UserError

ORIENTATION = 274


def save(path, image, orientation=None, **options):
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    image.save(path, **options)
    return path


def gradient(width=24, height=16):
    """An image without symmetry: red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return Image.fromarray(pixels)


def test_rgb_is_read_as_it_is_and_can_be_written_to(tmp_path):
    image = read_image(save(tmp_path / "a.png", gradient()))
    np.testing.assert_array_equal(image, np.asarray(gradient()))
    assert image.dtype == np.uint8
    assert image.flags.writeable
    assert image.flags.c_contiguous


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_pixels_and_size(tmp_path, suffix, orientation):
    options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}.get(suffix, {})
    path = save(tmp_path / f"a.{suffix}", gradient(), orientation, **options)
    stored = Image.fromarray(np.asarray(gradient()))
    stored.getexif()[ORIENTATION] = orientation
    shown = np.asarray(ImageOps.exif_transpose(stored))
    image = read_image(path)
    assert read_size(path) == image.shape[1::-1] == ((24, 16) if orientation < 5 else (16, 24))
    assert read_header(path) == Header(read_size(path), (24, 16), orientation)
    assert np.abs(image.astype(int) - shown).max() <= (6 if suffix == "jpg" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_orientation_out_of_range_is_ignored(tmp_path, orientation):
    path = save(tmp_path / "a.png", gradient(), orientation)
    np.testing.assert_array_equal(read_image(path), np.asarray(gradient()))


def test_broken_exif_is_ignored(tmp_path):
    path = tmp_path / "a.jpg"
    gradient().save(path, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff")
    assert read_size(path) == (24, 16)
    assert read_image(path).shape == (16, 24, 3)
    gradient().save(path, exif=b"Exif\x00\x00nonsense")
    assert read_image(path).shape == (16, 24, 3)


def test_size_of_a_png_is_read_without_its_pixels(tmp_path):
    path = save(tmp_path / "a.png", gradient(500, 400))
    path.write_bytes(path.read_bytes()[:60])  # signature 8, header chunk 25, and the beginning of the pixels
    assert read_size(path) == (500, 400)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_a_white_half_and_a_black_half_are_so_in_every_mode(tmp_path, mode):
    halves = Image.new("L", (8, 4), 0)
    halves.paste(255, (4, 0, 8, 4))
    white = {"I;16": 65535, "I": 65535, "F": 1.0}.get(mode)
    if white is None:
        image = halves.convert("RGB").convert(mode)
    else:
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray((np.asarray(halves) / 255 * white).astype(dtype))
    assert image.mode == mode
    suffix = "tif" if mode in ("CMYK", "YCbCr", "I", "F") else "png"
    more = {"compression": "tiff_lzw"} if mode == "YCbCr" else {}  # uncompressed, Pillow 10.1 can't read its own file
    pixels = read_image(save(tmp_path / f"a.{suffix}", image, **more))
    assert pixels.shape == (4, 8, 3)
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 4:] == 255).all()


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    pixels = read_image(save(tmp_path / "a.jpg", Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK"), quality=95))
    assert np.abs(pixels.astype(int) - [200, 30, 40]).max() <= 4


def test_16_bit_grey_is_scaled_not_clipped(tmp_path):
    levels = np.array([[0, 128, 129, 257, 32896, 65535]], np.uint16)
    # 65535 / 255 = 257 levels a step: 128 / 257 rounds to 0, 129 / 257 to 1, 32896 / 257 = 128
    for suffix in ("png", "tif"):
        pixels = read_image(save(tmp_path / f"a.{suffix}", Image.fromarray(levels)))
        assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_images_without_a_known_white_are_stretched(tmp_path):
    integers = read_image(save(tmp_path / "a.tif", Image.fromarray(np.array([[-100, 0, 100]], np.int32))))
    assert integers[0, :, 1].tolist() == [0, 128, 255]  # 100 / 200 * 255 = 127.5, to the even 128
    floats = read_image(save(tmp_path / "b.tif", Image.fromarray(np.array([[np.nan, np.inf, 10, 5]], np.float32))))
    assert floats[0, :, 1].tolist() == [0, 0, 255, 128]
    flat = read_image(save(tmp_path / "c.tif", Image.fromarray(np.full((1, 2), -3, np.int32))))
    assert flat[0, :, 1].tolist() == [0, 0]


def test_transparency_is_laid_on_white(tmp_path):
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    # 255 * 128 / 255 + 255 * 127 / 255 = 255 for red, 127 for the others
    assert read_image(save(tmp_path / "a.png", half))[0, 0].tolist() == [255, 127, 127]
    clear = Image.new("LA", (4, 4), (0, 0))
    assert (read_image(save(tmp_path / "b.png", clear)) == 255).all()


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_palette_transparency_is_laid_on_white(tmp_path, transparency):
    image = Image.new("P", (4, 2), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.paste(1, (2, 0, 4, 2))
    pixels = read_image(save(tmp_path / "a.png", image, transparency=transparency))
    assert pixels[0].tolist() == [[10, 20, 30], [10, 20, 30], [255, 255, 255], [255, 255, 255]]


def test_transparent_colour_of_rgb_and_grey_is_laid_on_white(tmp_path):
    rgb = save(tmp_path / "a.png", Image.new("RGB", (2, 2), (1, 2, 3)), transparency=(1, 2, 3))
    grey = save(tmp_path / "b.png", Image.new("L", (2, 2), 7), transparency=7)
    assert (read_image(rgb) == 255).all()
    assert (read_image(grey) == 255).all()


def test_animations_give_their_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for suffix in ("gif", "webp", "png", "tif"):
        options = {"lossless": True} if suffix == "webp" else {}
        path = tmp_path / f"a.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        assert (read_image(path) == [255, 0, 0]).all()


def test_multi_picture_jpeg_gives_its_first_picture(tmp_path):
    path = tmp_path / "a.jpg"
    gradient(64, 32).save(path, format="MPO", save_all=True, append_images=[gradient(64, 32)])
    assert read_image(path).shape == (32, 64, 3)
    assert read_image(path, at_least=(32, 16)).shape == (16, 32, 3)


def test_jpeg_is_decoded_smaller_but_not_below_what_is_asked(tmp_path):
    path = save(tmp_path / "a.jpg", gradient(801, 402))
    # scales 1, 2, 4, 8 give 801x402, 401x201, 201x101, 101x51 (sides round up)
    for at_least, size in [((100, 50), (101, 51)), ((101, 51), (201, 101)), ((200, 100), (201, 101)),
                           ((400, 201), (401, 201)), ((401, 10), (801, 402)), ((2000, 2000), (801, 402))]:  # fmt: skip
        image = read_image(path, at_least)
        assert image.shape[1::-1] == size
        assert all(got >= min(asked, own) for got, asked, own in zip(size, at_least, (801, 402), strict=True))


def test_at_least_counts_on_the_upright_image(tmp_path):
    path = save(tmp_path / "a.jpg", gradient(800, 400), orientation=6)
    assert read_size(path) == (400, 800)
    assert read_image(path, at_least=(100, 200)).shape == (200, 100, 3)
    assert read_image(path, at_least=(200, 100)).shape == (400, 200, 3)


def test_smaller_decoding_shows_the_same_picture(tmp_path):
    path = save(tmp_path / "a.jpg", gradient(256, 128), quality=95)
    small = read_image(path, at_least=(64, 32)).astype(int)
    expected = np.asarray(gradient(256, 128).resize((64, 32), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - expected).max() <= 6


def test_at_least_leaves_other_formats_alone(tmp_path):
    assert read_image(save(tmp_path / "a.png", gradient(64, 64)), at_least=(8, 8)).shape == (64, 64, 3)


@pytest.mark.parametrize("at_least", [(0, 10), (10,), (5, -1)])
def test_wrong_at_least_is_named(tmp_path, at_least):
    with pytest.raises(ValueError, match="at_least"):
        read_image(save(tmp_path / "a.png", gradient()), at_least)


def broken_files(folder):
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8))
    for suffix in ("jpg", "png", "bmp", "tif", "webp", "gif"):
        whole = save(folder / f"whole.{suffix}", noise).read_bytes()
        (folder / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
        yield folder / f"half.{suffix}", "truncated or damaged|isn't an image"
    (folder / "empty.jpg").touch()
    yield folder / "empty.jpg", "empty"
    (folder / "text.jpg").write_text("no image")
    yield folder / "text.jpg", "isn't an image"
    (folder / "folder.jpg").mkdir()
    yield folder / "folder.jpg", "folder"
    yield folder / "missing.jpg", "doesn't exist"
    (folder / "script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    yield folder / "script.jpg", "isn't an image"


def test_broken_files_are_named_in_one_sentence(tmp_path):
    folder = tmp_path / "图像 mit Leerzeichen"
    folder.mkdir()
    for path, reason in broken_files(folder):
        with pytest.raises(UserError, match=reason) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        if "half" not in path.name:
            with pytest.raises(UserError, match=reason):
                read_size(path)
    gc.collect()  # a file left open would warn here


def test_decompression_bomb_is_refused_from_its_header(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", gradient(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    for read in (read_size, read_image):
        with pytest.raises(UserError, match="too large: more than 8,000 pixels"):
            read(path)


@pytest.mark.parametrize(("name", "options"), [("a.webp", {}), ("a.jpg", {"progressive": True})])
def test_kinds_whose_decoders_take_more_memory_have_a_lower_limit(tmp_path, monkeypatch, name, options):
    path = tmp_path / name
    gradient(40, 40).save(path, **options)
    gradient(40, 40).save(tmp_path / "a.png")
    monkeypatch.setattr(opening, "MOST_BYTES", 8 * 40 * 40)  # a PNG's 1600 pixels at 8 bytes
    assert read_image(tmp_path / "a.png").shape == (40, 40, 3)
    for read in (read_size, read_image):
        with pytest.raises(UserError, match=r"too large: more than [\d,]+ pixels; scale it down"):
            read(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_read_in_bands_is_what_is_read_at_once(tmp_path, monkeypatch, dtype):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (23, 17)).astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.png")
    whole = read_image(tmp_path / "a.png")
    monkeypatch.setattr(opening, "_BAND", 40)
    monkeypatch.setattr(images, "_BAND", 40)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), whole)
    with opening.opened(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(opening.pixels_of(image), values)


def test_large_image_below_the_limit_is_read_without_a_warning(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", gradient(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)  # Pillow warns up to twice that
    with pytest.warns(Image.DecompressionBombWarning), Image.open(path):
        pass
    assert read_size(path) == (100, 100)
    assert read_image(path).shape == (100, 100, 3)


def test_threads_neither_leak_warnings_nor_leave_filters_behind(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", gradient(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)
    before = list(warnings.filters)
    together = threading.Barrier(4)

    def read_after_others(_):
        together.wait()
        return [read_size(path) for _ in range(20)]

    threads = [threading.Thread(target=read_after_others, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
    with pytest.warns(Image.DecompressionBombWarning), Image.open(path):
        pass


def test_in_threads_keeps_the_order_and_passes_errors_on():
    assert in_threads(str, range(50)) == [str(i) for i in range(50)]
    assert in_threads(str, []) == []
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda i: 1 // i, range(3))


@pytest.mark.parametrize("mode", ["P", "L"])
def test_mask_gives_ids_not_colours(tmp_path, mode):
    ids = np.array([[0, 1, 2], [20, 254, 255]], np.uint8)
    mask = Image.fromarray(ids)
    if mode == "P":
        mask.putpalette(np.random.RandomState(0).randint(0, 256, 768, np.uint8).tobytes())
    read = read_mask(save(tmp_path / "a.png", mask))
    np.testing.assert_array_equal(read, ids)
    assert read.dtype == np.uint8


def test_one_bit_mask_gives_zeros_and_ones(tmp_path):
    mask = Image.fromarray(np.array([[True, False]]))
    assert read_mask(save(tmp_path / "a.png", mask)).tolist() == [[1, 0]]


def test_16_bit_mask_is_read_up_to_255(tmp_path):
    small = save(tmp_path / "a.png", Image.fromarray(np.array([[3, 255]], np.uint16)))
    large = save(tmp_path / "b.png", Image.fromarray(np.array([[3, 256]], np.uint16)))
    assert read_mask(small).tolist() == [[3, 255]]
    with pytest.raises(UserError, match="values from 3 to 256"):
        read_mask(large)


def test_mask_in_colours_is_refused(tmp_path):
    path = save(tmp_path / "a.png", gradient())
    with pytest.raises(UserError, match=r"mode RGB.*palette"):
        read_mask(path)


def test_headers_are_the_same_where_files_take_a_while_to_open(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.png" for number in range(80)]
    for number, path in enumerate(paths):
        if number != 70:
            Image.new("RGB", (number + 1, 3)).save(path)
    paths[50] = None
    for slow in (1e-3, -1):
        monkeypatch.setattr("trizoo.data.images._SLOW", slow)
        headers = sound_headers(paths)
        assert headers[50] is None
        assert "70.png doesn't exist" in str(headers[70])
        assert [header.size for header in (*headers[:50], *headers[51:70], *headers[71:])] == [
            (number + 1, 3) for number in range(80) if number not in (50, 70)
        ]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "I;16", "F"])
def test_bands_and_the_whole_are_the_same(tmp_path, monkeypatch, mode):
    image = gradient(30, 20).convert("L" if mode in ("I;16", "F") else mode)
    if mode in ("I;16", "F"):
        image = Image.fromarray(np.asarray(image).astype({"I;16": np.uint16, "F": np.float32}[mode]) * 200)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    path = save(tmp_path / "a.tif", image)
    whole = read_image(path)
    monkeypatch.setattr(images, "_BAND", 70)
    assert np.array_equal(read_image(path), whole)


def test_what_libtiff_finds_wrong_is_not_printed(tmp_path, capfd):
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    path = save(tmp_path / "a.tif", Image.fromarray(noise), compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    data[200:260] = b"\xff" * 60
    path.write_bytes(data)
    with pytest.raises(UserError, match="truncated or damaged"):
        read_image(path)
    assert capfd.readouterr().err == ""
