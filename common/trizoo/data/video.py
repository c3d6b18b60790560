"""Frames of video files, streams and cameras, upright and in RGB, each with its time.

Video files and streams are read by PyAV, cameras by OpenCV; both are loaded when something is opened.

Limits: frames of 50 million pixels; what the file says of itself is read within 500 MiB and 10 seconds.
"""

import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.ground.errors import UserError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp")
PLAYLISTS = (".m3u8", ".mpd")  # of streams, by http
TIMEOUTS = (10, 30)  # seconds until a stream is open, and between two pieces of it
# What a file may be: kinds that hold their frames themselves, so that none leads to other files or addresses.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg,mpegvideo,m4v,h264,hevc"
PROTOCOLS = "http,https,tcp,tls,udp,rtp,rtsp,rtsps,rtmp,rtmps,srt,crypto,httpproxy,hls"  # of streams: no files
MOST_PIXELS = 50_000_000  # of a frame, of which FFmpeg keeps several; 8K has 33 million
CAMERA_RATE = Fraction(30)  # frames a second, of a camera that doesn't say


@dataclass(frozen=True)
class Frame:
    """One frame.

    Args:
        number: from 0
        time: seconds from the beginning
        pixels: uint8 (H, W, 3) RGB
    """

    number: int
    time: Fraction
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Footage:
    """A video that isn't opened yet.

    Args:
        name: what lines and results call it
        path: its file; of other footage a name for files that are written about it
        open: gives a context with the Video. Raises UserError
        is_file: whether that is a file
        live: whether it goes on for good
        sound: the file or address that its sound is in, None where that isn't wanted
    """

    name: str
    path: Path
    open: Callable[[], Any]
    is_file: bool = False
    live: bool = False
    sound: str | None = None


class Video:
    """A video that is open.

    Args:
        rate: frames a second, a Fraction
        count: how many frames it says that it has, None where it doesn't
        frames: every -> an iterator of every so many `Frame`s. Raises UserError where the video is damaged
    """

    def __init__(self, rate, count, frames):
        self.rate, self.count, self.frames = rate, count, frames


def load_av():
    """PyAV. Raises UserError where it isn't installed."""
    try:
        import av
    except ImportError:
        raise UserError("videos need PyAV, which isn't installed; pip install 'trizoo[video]' would do") from None
    av.logging.set_level(av.logging.PANIC)  # what goes wrong is said in an exception too
    return av


def open_container(address):
    """A video file, or what is at an address, as PyAV's container; a file leads to no address, a stream to no file."""
    if "://" not in address:
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    else:
        options = {"protocol_whitelist": PROTOCOLS}
        if address.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
    return load_av().open(address, options=options, timeout=TIMEOUTS, metadata_errors="replace")


@contextmanager
def open_video(address, name):
    """A video file, or what is at an address, as a Video. Raises UserError for what is none.

    Args:
        name: what it is called in errors
    """
    av, called = load_av(), f"video {name}"
    if "://" not in address and Path(address).exists() and not Path(address).is_file():
        raise UserError(f"{called} is no file but a folder, pipe or device; a video file is needed")
    try:
        container = open_container(address)
    except av.FFmpegError as error:
        raise UserError(_why(av, called, error)) from None
    with container:
        if not container.streams.video:
            raise UserError(f"{called} holds no pictures, sound at most; a video is needed")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise UserError(f"{called} has pictures of a kind that isn't known here; H.264 in an MP4 file would do")
        _check_size(stream.codec_context, called)
        rate = stream.average_rate or stream.guessed_rate or CAMERA_RATE
        yield Video(rate, stream.frames or None, lambda every: _frames(av, container, stream, rate, every, called))


def _frames(av, container, stream, rate, every, called):
    number = -1
    try:
        for number, frame in enumerate(container.decode(stream)):
            if number % every:
                continue
            _check_size(frame, called)
            at = number / rate if frame.pts is None else frame.pts * frame.time_base
            yield Frame(number, Fraction(at), upright(frame.to_ndarray(format="rgb24"), frame.rotation))
    except av.FFmpegError as error:
        raise UserError(
            f"{called} can't be read beyond its first {number + 1} frames ({error.strerror}); what lies before is done"
        ) from None


def _check_size(frame, called):
    """UserError for a stream or frame of more pixels than an image may have."""
    if frame.width * frame.height > MOST_PIXELS:
        size = f"{frame.width}x{frame.height}"
        raise UserError(f"{called} has frames of {size} pixels, which are too many; make it smaller first")


def upright(pixels, rotation):
    """A frame as a player turns it: uint8 (H, W, 3), degrees counter-clockwise -> uint8 (H, W, 3) or (W, H, 3)."""
    return np.ascontiguousarray(np.rot90(pixels, round(rotation / 90) % 4))


def _why(av, called, error):
    if isinstance(error, FileNotFoundError):
        return f"{called} doesn't exist"
    if isinstance(error, av.error.InvalidDataError | av.error.ArgumentError):
        return f"{called} isn't a video that can be read; {', '.join(VIDEO_SUFFIXES)} are, where they are whole"
    return f"{called} can't be opened ({error.strerror})"


@contextmanager
def open_camera(number, clock=time.monotonic):
    """A camera of this machine as a Video. Raises UserError where there is none of that number.

    Args:
        clock: gives seconds
    """
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would speak of each way in vain
    capture = cv2.VideoCapture(number)
    cv2.utils.logging.setLogLevel(level)
    try:
        if not capture.isOpened():
            raise UserError(f"there is no camera {number} that can be opened; cameras are counted from 0")
        said = capture.get(cv2.CAP_PROP_FPS)
        rate = Fraction(said).limit_denominator(1001) if math.isfinite(said) and said >= 1 else CAMERA_RATE
        yield Video(rate, None, lambda every: _captured(capture, every, clock))
    finally:
        capture.release()


def _captured(capture, every, clock):
    number, start = 0, clock()
    while capture.grab():
        if number % every == 0:
            at = Fraction(clock() - start).limit_denominator(90_000)
            there, pixels = capture.retrieve()
            if not there:
                return
            yield Frame(number, at, np.ascontiguousarray(pixels[..., ::-1]))
        number += 1
