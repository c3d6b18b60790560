"""What a person gives to predict: images and videos, by files, folders, patterns, addresses, cameras or a pipe."""

import re
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from trizoo.data.images import read_image
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.photo import Photo
from trizoo.data.sources import find_images
from trizoo.data.video import PLAYLISTS, VIDEO_SUFFIXES, Footage, open_camera, open_video
from trizoo.ground.errors import UserError

PIPE = "-"
MOST_PIPED = 256 << 20  # bytes
MOST_FETCHED = 64 << 20  # bytes of an image that an address gives
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
STREAMS = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp")
# what image files begin with: JPEG, PNG, GIF, BMP, WebP, TIFF twice; HEIC's and AVIF's kind stands behind a length
HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")


def find_given(sources, pipe=None):
    """The images and the videos that sources name -> list of `Photo`, list of `Footage`; nothing is fetched or opened.

    A source is what `trizoo.data.sources.find_images` takes; a video file or a pattern of such; `0`, the first camera,
    where no file is so called; an address of an image or a video (http, https, and what STREAMS has); or `-`, for what
    comes by the pipe: an image, or a list of these, one a line.

    Args:
        pipe: standard input, as bytes

    Raises:
        UserError: for what is none of these
    """
    photos, footage, seen = [], [], set()
    if not sources:
        find_images([])  # which says what is missing
    for source, is_listed in _sources(map(str, sources), pipe):
        if _put(source, photos, footage):
            continue
        for path in [Path(source)] if is_listed else find_images([source], also=VIDEO_SUFFIXES):
            place = path.parent.resolve() / path.name
            if place in seen:
                continue
            seen.add(place)
            if path.suffix.lower() in VIDEO_SUFFIXES:
                opened = partial(open_video, str(path), path)
                footage.append(Footage(str(path), path, opened, is_file=True, sound=str(path)))
            else:
                photos.append(Photo.of(path))
    return photos, footage


def _sources(sources, pipe):
    """Yields (source, whether it is an image of a list, which need not be there: it costs itself alone)."""
    for source in sources:
        if source != PIPE:
            yield source, False
            continue
        data = pipe.read(MOST_PIPED + 1)
        if (text := _as_list(data)) is None:
            yield data, False
            continue
        for line in filter(None, map(str.strip, text.split("\n"))):
            if line == PIPE:
                raise UserError("a list that comes by standard input names - itself; files, one a line, are needed")
            yield line, line.lower().endswith(IMAGE_SUFFIXES) and not set("*?[") & set(line)


def _put(source, photos, footage):
    """Whether a source is an image's bytes, an address or a camera, which then goes to the photos or the footage."""
    if isinstance(source, bytes):
        photos.append(Photo("-", Path("stdin.png"), lambda: read_image("- (standard input)", data=source)))
        return True
    if scheme := ADDRESS.match(source):
        kind = scheme[1].lower()
        name = _without_password(source)
        if kind not in ("http", "https", *STREAMS):
            raise UserError(
                f"the address {name!r} is of a kind that isn't read; http, https and {', '.join(STREAMS)} are"
            )
        path = Path(urlsplit(source).path.rpartition("/")[2] or "stream")
        if kind in STREAMS or path.suffix.lower() in PLAYLISTS:
            footage.append(Footage(name, path, partial(open_video, source, name), live=True))
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            footage.append(Footage(name, path, partial(open_video, source, name), sound=source))
        else:
            photos.append(Photo(name, path, partial(_fetched, source, name)))
        return True
    if source.isascii() and source.isdecimal() and not Path(source).exists():
        number = int(source)
        name, path = f"camera {number}", Path(f"camera{number}")
        footage.append(Footage(name, path, partial(open_camera, number), live=True))
        return True
    return False


def _without_password(address):
    """An address as it may be shown: without user and password, and without what follows `?`, such as a key."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _fetched(address, name):
    from trizoo.download.into_memory import fetch_bytes  # here, since files need no network library

    data = fetch_bytes(address, "image/", MOST_FETCHED, called=f"image {name}")
    return read_image(name, data=data)


def _as_list(data):
    """The text of a list that came by the pipe, None where it is an image. Raises UserError where it is neither."""
    if len(data) > MOST_PIPED:
        raise UserError(f"more than {MOST_PIPED:,} bytes came by standard input; name files instead")
    if not data.strip():
        raise UserError("nothing came by standard input; an image, or a list of files with one a line, is needed for -")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:  # which no path holds
        return text
    if data.startswith(HEADS) or data[4:8] == b"ftyp":
        return None
    raise UserError("what came by standard input is neither an image nor a list of files, one a line in UTF-8")
