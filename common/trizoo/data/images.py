"""Image files of any mode become uint8 RGB as a viewer would show them; masks become class ids."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from trizoo.data.members import open_file
from trizoo.data.opening import JPEG_FORMATS, ends_early, opened, pixels_of
from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError

_BAND = 1 << 21  # pixels that are worked on at once
CUT_OFF = "ends early, as after a broken download; what is missing at its bottom is grey"
_END_OF_JPEG = b"\xff\xd9"
_SLOW, _MOST_SLOW = 1e-3, 32  # seconds to open a file, and how many so slow mean a slow disk
_MOST_MISSING = 0.1  # of a JPEG's rows
_ORIENTATION_TAG = 274  # EXIF 2.3, section 4.6.4
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257  # TIFF 6.0, section 8
_UPRIGHT = {  # orientation -> function of pixels (H, W, 3) that turns or mirrors them
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


@dataclass(frozen=True)
class Header:
    """What an image file says of itself before its pixels.

    Args:
        size: (width, height) as a viewer shows the image
        stored_size: (width, height) as the pixels are stored
        orientation: EXIF's, 1 to 8, how the stored pixels are to be turned
        cut: whether the file lacks the end that its format has
    """

    size: tuple[int, int]
    stored_size: tuple[int, int]
    orientation: int
    cut: bool = False


def read_header(path, data=None):
    """The `Header` of an image file.

    Raises UserError where the file is missing, empty, no image or too large; a truncated image may still have its
    header.

    Args:
        data: as of `read_image`
    """
    with opened(path, data) as image:
        return _header(image)


def _header(image):
    """The Header of an opened image."""
    if image.format == "TIFF":  # whether Pillow's own size is already turned depends on its version
        width, height = image.tag_v2[_TIFF_WIDTH], image.tag_v2[_TIFF_HEIGHT]
    else:
        width, height = image.size
    orientation = _orientation(image)
    upright = (height, width) if orientation >= 5 else (width, height)
    return Header(upright, (width, height), orientation, ends_early(image))


def decode(path):
    """The `Header` of an image whose every pixel can be decoded, which are thrown away. Raises UserError as the others.

    In two thirds of the time that `read_image` takes, since colours stay as they are stored.
    """
    with opened(path) as image:
        header = _header(image)
        if header.cut and image.format in JPEG_FORMATS:
            _load_jpeg(path, image, None, turned=False)
        else:
            image.load()
        return header


def sound_header(path):
    """The `Header` of an image, or the UserError that says why it can't be used; one whose end is missing is decoded.

    So a damaged picture is known before the first step, as far as its file's header and end tell.
    """
    try:
        header = read_header(path)
        return decode(path) if header.cut else header
    except UserError as error:
        return error


def sound_headers(paths):
    """What `sound_header` gives of each path, None of None.

    One after the other, which is twice as fast as threads where files are at hand; by threads from there on where
    opening them takes a while, as over a network.
    """
    headers, slow = [], 0
    for number, path in enumerate(paths):
        started = time.perf_counter()
        headers.append(None if path is None else sound_header(path))
        slow += time.perf_counter() - started > _SLOW
        if slow > _MOST_SLOW and slow > len(headers) // 2:
            return headers + in_threads(lambda path: None if path is None else sound_header(path), paths[number + 1 :])
    return headers


def read_size(path, data=None):
    """(width, height) as a viewer shows the image: of its `read_header`, which says what is raised."""
    return read_header(path, data).size


def read_image(path, at_least=None, data=None):
    """The image as a viewer shows it: uint8 (H, W, 3) RGB, EXIF orientation applied, first frame of an animation.

    Transparent pixels are laid on white. 16-bit grey is scaled to 8 bits, not clipped. 32-bit integers within
    0..65535 count as 16-bit and floats within 0..1 as shares of white; other 32-bit images, whose white no file
    defines, are stretched from their smallest to their greatest value (not finite: black).

    `at_least=(width, height)` lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, by the decoder's own averaging,
    as long as neither side becomes smaller than asked: much faster where a later resize goes below that anyway.
    A JPEG whose last bytes are missing is shown as viewers do, the missing part grey, up to a tenth of its rows.

    Raises UserError where the file is missing, empty, truncated, damaged, no image or too large: of more pixels than
    `trizoo.data.opening.most_pixels`, 117 million of most kinds, so that reading stays within 1 GiB and 10 seconds.

    Args:
        data: the file's bytes where they are in memory; the path is what they are called then
    """
    if at_least is not None and (len(at_least) != 2 or min(at_least) < 1):
        raise ValueError(f"at_least is {at_least!r}; (width, height) of at least 1 each is needed")
    with opened(path, data) as image:
        orientation = _orientation(image)
        if image.format in JPEG_FORMATS:
            image = _load_jpeg(path, image, at_least, turned=orientation >= 5, data=data)
        else:
            image.load()
        pixels = _rgb(image)
        if image.format == "TIFF":  # Pillow turns it as it loads it
            orientation = 1
    del image  # its pixels go before these are copied
    return _turned(pixels, orientation)


def _load_jpeg(path, image, at_least, turned, data=None):
    """The decoded JPEG: the opened image itself, or another where its end is missing."""

    def decoded(jpeg):
        if at_least is not None:
            jpeg.draft(None, at_least[::-1] if turned else at_least)
        jpeg.load()
        return jpeg

    cut = ends_early(image)
    try:
        return decoded(image)
    except OSError:
        if not cut:
            raise
    image.close()  # its pixels go
    if data is None:
        with open_file(path) as file:
            data = file.read()
    with opened(path, data + _END_OF_JPEG) as whole:
        missing, rows = _rows_of_one_colour(decoded(whole)), whole.height
        if missing > _MOST_MISSING * rows:
            raise OSError(f"the last {missing} of its {rows} rows are missing")
        return whole


def _rows_of_one_colour(image):
    """How many rows at the bottom of a loaded image have one colour all over, as those have that no decoder got."""
    width, height = image.size
    rows, last = max(1, _BAND // width), np.asarray(image.getpixel((width - 1, height - 1)))
    for bottom in range(height, 0, -rows):
        top = max(0, bottom - rows)
        band = np.asarray(image.crop((0, top, width, bottom)))
        different = (band != last).reshape(bottom - top, -1).any(axis=1)
        if different.any():
            return height - 1 - top - int(np.flatnonzero(different)[-1])
    return height


def as_image(source):
    """An image in memory or on disk as a viewer shows it -> uint8 (H, W, 3) RGB.

    Args:
        source: a path, read as `read_image` does; a Pillow image of any mode; or an array, uint8 (H, W, 3) RGB,
            (H, W, 4) with transparency, (H, W) or (H, W, 1) grey

    Raises:
        UserError: as `read_image`
        ValueError: for another array, naming its dtype and shape
    """
    if isinstance(source, str | Path):
        return read_image(source)
    if isinstance(source, Image.Image):
        orientation = _orientation(source)
        return _turned(_rgb(source), orientation)
    array = np.asarray(source)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(
            f"image is {array.dtype} {array.shape}; uint8 (H, W, 3) in RGB, (H, W, 4) or (H, W), a path or a Pillow "
            f"image is needed"
        )
    if array.size == 0:
        raise ValueError(f"image has shape {array.shape}; at least one pixel is needed")
    return array if array.ndim == 3 and array.shape[2] == 3 else _rgb(Image.fromarray(array))


def read_mask(path):
    """The class ids of a segmentation mask: uint8 (H, W), palette indices or grey levels as they are in the file.

    Raises UserError as `read_image` does, and for a mask in colours or with ids above 255.
    """
    with opened(path) as image:
        image.load()
        ids = pixels_of(image)
        if ids.ndim != 2 or ids.dtype.kind == "f":
            raise UserError(f"mask {path} is of mode {image.mode}; a palette or grey image of class ids is needed")
        if ids.min() < 0 or ids.max() > 255:
            raise UserError(f"mask {path} has values from {ids.min()} to {ids.max()}; class ids of 0 to 255 are needed")
        return ids.astype(np.uint8)


def in_threads(function, items, watch=iter):
    """`[function(item) for item in items]` by a few threads, for reading files. An exception cancels what is left.

    Args:
        watch: takes the iterator of results and gives it on, such as one that draws a progress bar
    """
    pool = ThreadPoolExecutor(max_workers=min(8, available_cores()))
    try:
        return list(watch(pool.map(function, items)))
    finally:
        pool.shutdown(cancel_futures=True)


def _orientation(image):
    """The EXIF orientation of an opened image, 1 to 8; 1 where it is absent, broken or behind the pixels."""
    try:
        # PNG's own getexif decodes every pixel to find a tag behind them
        orientation = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # a broken EXIF block raises about anything, and viewers show such an image as it is stored
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _turned(pixels, orientation):
    """Pixels (H, W, 3) as EXIF's orientation turns them."""
    if orientation not in _UPRIGHT:
        return pixels
    return np.ascontiguousarray(_UPRIGHT[orientation](pixels))


def _rgb(image):
    """A loaded Pillow image of any mode -> uint8 (H, W, 3), in bands of rows: within both and 150 MiB."""
    width, height = image.size
    rows = max(1, _BAND // width)
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image, rows)
    if height <= rows:
        return np.array(_band(image))
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image.crop((0, top, width, bottom))
        band.info = image.info  # where a colour may be called transparent
        pixels[top:bottom] = np.asarray(_band(band))
    return pixels


def _band(image):
    """A Pillow image of any mode but 16 bits -> one of mode RGB."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image, rows):
    """A Pillow image in 16-bit, 32-bit or floating grey -> uint8 (H, W, 3), by the rules in `read_image`.

    Args:
        rows: worked on at once
    """
    width, height = image.size
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]

    def values(top, bottom):
        return np.asarray(image.crop((0, top, width, bottom)))

    white, low, high = (1.0 if image.mode == "F" else 65535.0), np.inf, -np.inf
    for band in bands:
        finite = _finite(values(*band))
        low, high = min(low, finite.min()), max(high, finite.max())
    low, white = (low, (high - low) or 1.0) if low < 0 or high > white else (0.0, white)
    pixels = np.empty((height, width, 3), np.uint8)
    for top, bottom in bands:
        shares = (_finite(values(top, bottom)) - low) * 255 / white
        pixels[top:bottom] = np.rint(shares).astype(np.uint8)[..., None]
    return pixels


def _finite(values):
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
