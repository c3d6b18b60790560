"""Opening image files from strangers: which kinds are read, and one sentence for whatever goes wrong.

Limits: a picture is refused by its header where it would take more, and read within 900 MiB and 20 seconds.
"""

import errno
import io
import os
import threading
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from trizoo.data.members import is_member, open_file
from trizoo.data.reading import POINTER
from trizoo.ground.errors import UserError
from trizoo.ground.stderr import without_remarks

IMAGE_SUFFIXES = (  # compare in lower case
    *(".bmp", ".gif", ".jpeg", ".jpg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".avif", ".heic"),
    ".heif",
)
JPEG_FORMATS = ("JPEG", "MPO")
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # Pillow takes MPO for a kind of JPEG
MOST_BYTES = 900 << 20  # of memory that a picture may take while it is read
# bytes a pixel that reading takes at most: Pillow's own 4, and the array's 3 or what the decoder of a format needs
_BYTES, _BYTES_IN = 8, {"WEBP": 18, "AVIF": 18, "HEIF": 18}
_BYTES_OF_PROGRESSIVE = 12
_BAND = 1 << 22  # pixels that are worked on at once
_HEAD = 512  # bytes that show what a file is
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")  # ISO/IEC 23008-12, annex B


@contextmanager
def opened(path, data=None):
    """The opened image file, closed afterwards; whatever goes wrong meanwhile becomes a UserError that names it.

    Args:
        data: the bytes to read instead of the file's
    """
    try:
        with (
            _SILENCE,
            _source(path, data) as source,
            Image.open(source, formats=_formats(path)) as image,
            _silence_for(image),
        ):
            _check_size(path, image)
            yield image
    except UserError:
        raise
    except Exception as error:  # decoders raise about anything on damaged files
        raise UserError(_explanation(path, error)) from error


def _source(path, data):
    """What Pillow opens, as a context: the bytes, a file within a tar, else the path."""
    if data is not None:
        return io.BytesIO(data)
    return open_file(path) if is_member(path) else nullcontext(path)


def most_pixels(format=None, progressive=False):
    """Pixels that a picture may have, so that reading it takes 900 MiB at most.

    Args:
        format: Pillow's name
        progressive: whether it is a JPEG that is stored so
    """
    each = _BYTES_OF_PROGRESSIVE if progressive else _BYTES_IN.get(format, _BYTES)
    return min(MOST_BYTES // each, 2 * Image.MAX_IMAGE_PIXELS)


def _check_size(path, image):
    most = most_pixels(image.format, bool(image.info.get("progressive")))
    if image.width * image.height > most:
        raise UserError(f"image {path} is too large: more than {most:,} pixels; scale it down")


def pixels_of(image):
    """`np.array` of a Pillow image, in bands of rows: within the image, the array and 16 MiB."""
    width, height = image.size
    rows = max(1, _BAND // width)
    if height <= rows:
        return np.array(image)
    pixels = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = np.asarray(image.crop((0, top, width, bottom)))
        if pixels is None:
            pixels = np.empty((height, *band.shape[1:]), band.dtype)
        pixels[top:bottom] = band
    return pixels


def _silence_for(image):
    """Of a TIFF: libtiff prints what it finds wrong."""
    return _TIFF_SILENCE if image.format == "TIFF" else nullcontext()


def _formats(path):
    """What Pillow may take a file for. HEIC and AVIF it knows once their plug-ins are loaded, which few files need."""
    suffix = str(path).lower().rpartition(".")[2]
    if suffix == "avif":
        try:
            import PIL.AvifImagePlugin  # noqa: F401
        except ImportError:
            raise UserError(f"image {path} is AVIF, which Pillow reads from version 11.3 on") from None
        return (*_FORMATS, "AVIF")
    if suffix in ("heic", "heif"):
        try:
            import pillow_heif
        except ImportError:
            raise UserError(f"image {path} is HEIC, which needs a library: pip install 'trizoo[heif]'") from None
        pillow_heif.register_heif_opener()
        return (*_FORMATS, "HEIF")
    return _FORMATS


def ends_early(image):
    """Whether an opened image's file lacks the end that its format has. The file's position is left as it was."""
    file = image.fp
    if file is None or image.format not in (*JPEG_FORMATS, "PNG"):
        return False
    place = file.tell()
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - 64))
    tail = file.read()
    file.seek(place)
    return (b"IEND" if image.format == "PNG" else b"\xff\xd9") not in tail


def _explanation(name, error):
    # False of an address, and of what can't be looked at, where a Path's would raise
    is_folder, is_file = os.path.isdir(str(name)), os.path.isfile(str(name))  # noqa: PTH112, PTH113
    if isinstance(error, FileNotFoundError):
        return f"image {name} doesn't exist"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"image {name} doesn't exist: no file can have so long a name"
    if isinstance(error, PermissionError) and not is_folder:
        return f"image {name} may not be read: {error.strerror}"
    if isinstance(error, MemoryError):
        return f"image {name} takes more memory than there is; scale it down"
    if isinstance(error, Image.DecompressionBombError):
        return f"image {name} is too large: more than {most_pixels():,} pixels; scale it down"
    if is_folder:
        return f"image {name} is a folder; an image file is needed"
    if is_file and Path(name).stat().st_size == 0:
        return f"image {name} is empty (0 bytes); replace it or leave it out"
    if isinstance(error, UnidentifiedImageError):
        return _what_else(name)
    return f"image {name} is truncated or damaged ({error}); replace it or leave it out"


def _what_else(name):
    """The sentence about a file that is none of the formats."""
    try:
        with Path(name).open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        head = b""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(POINTER):
        return f"image {name} is a Git LFS pointer and not the picture; `git lfs pull` fetches it"
    if text.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head")):
        return f"image {name} is a web page under a picture's name; download the picture again"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return f"image {name} is HEIC under another name; call it .heic, and pip install 'trizoo[heif]'"
    if head[4:8] == b"ftyp" and head[8:12] == b"avif":
        return f"image {name} is AVIF under another name; call it .avif"
    formats = ", ".join((*_FORMATS, "AVIF", "HEIC"))
    return f"image {name} isn't an image that can be read; one of {formats} is needed"


class _Shared:
    """One context for all threads that are inside at once: the first to come in enters it, the last to leave ends it.

    What a process has once, its warnings' filters and its standard error, threads that overlap would else restore from
    each other's.
    """

    def __init__(self, make):
        self._make = make
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self):
        with self._lock:
            if self._inside == 0:
                self._context = self._make()
                self._context.__enter__()
            self._inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._context.__exit__(None, None, None)


@contextmanager
def _without_warnings():
    """Pillow's warnings are off."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


_SILENCE, _TIFF_SILENCE = _Shared(_without_warnings), _Shared(without_remarks)
