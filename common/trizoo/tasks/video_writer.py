"""A video of pictures: H.264 in MP4, with the times of the frames that they come from, and their sound."""

from contextlib import contextmanager, suppress
from fractions import Fraction

import cv2
import numpy as np

from trizoo.data.photo import UnreadableError
from trizoo.data.video import load_av, open_container
from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing

ENCODERS = ("libx264", "libopenh264", "h264", "mpeg4")  # the first that is there; all but the last give H.264
QUALITY = {"libx264": {"crf": "20", "preset": "veryfast"}}
IN_MP4 = ("aac", "mp3", "ac3", "eac3", "alac", "flac", "opus", "mp2")
TIME_BASE = Fraction(1, 720_000)  # seconds; every usual rate has frames of a whole number of them, 24000/1001 too


@contextmanager
def video_writer(path, rate, sound=None):
    """Gives a `VideoWriter` to a file that appears when it is whole, whatever happens.

    Args:
        path: .mp4
        rate: frames a second
        sound: file or address whose sound goes along; None: there is none

    Raises:
        UserError: where there is no room for it
        UnreadableError: where what the video came from is so damaged that no video can be made of it
    """
    av = load_av()
    try:
        with replacing(path) as temporary, VideoWriter(temporary, rate, sound) as writer:
            yield writer
    except (av.FFmpegError, OverflowError) as error:  # times beyond all bounds
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{path} can't be written ({reason}); --no-pictures does without it") from None


class VideoWriter:
    """Writes pictures of one size with their times; the first picture says which. Used in a `with` statement.

    Attributes:
        note: what a person should know of the sound, None where that is nothing
    """

    def __init__(self, path, rate, sound=None):
        self._av = load_av()
        self._path, self._rate, self.note = path, rate, None
        self._container = self._av.open(str(path), "w", format="mp4")
        self._stream = self._size = self._last = None
        self._sound = self._packets = self._packet = None
        if sound is not None:
            self._open_sound(sound)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None and self._stream is not None:
                self._container.mux(self._stream.encode(None))
                self._copy_sound(None)
        finally:
            self._container.close()
            if self._sound is not None:
                self._sound.close()

    def add(self, picture, at):
        """A picture, uint8 (H, W, 3), or (H, W, 4) whose transparent parts become black.

        Args:
            at: its time in seconds, a Fraction, later than the one's before
        """
        if picture.shape[2] == 4:
            picture = picture[..., :3] * (picture[..., 3:] > 0)
        if self._stream is None:
            self._begin(picture.shape[1::-1])
        frame = self._av.VideoFrame.from_ndarray(_padded(picture, self._size), format="rgb24")
        frame.time_base = TIME_BASE
        frame.pts = round(at / TIME_BASE)
        if self._last is not None:
            frame.pts = max(frame.pts, self._last + 1)
        self._last = frame.pts
        self._container.mux(self._stream.encode(frame))
        self._copy_sound(at)

    def _begin(self, size):
        """Opens the stream of pictures; H.264 halves the colours' resolution, so that sides are even."""
        self._size = tuple(side + side % 2 for side in size)
        for encoder in ENCODERS:
            with suppress(self._av.codec.codec.UnknownCodecError):
                self._av.codec.Codec(encoder, "w")
                break
        else:
            raise UserError(f"PyAV has none of the encoders {', '.join(ENCODERS)}; another build of it is needed")
        self._stream = self._container.add_stream(encoder, rate=self._rate, options=QUALITY.get(encoder, {}))
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = TIME_BASE
        if self._packets is not None:
            self._track = self._container.add_stream_from_template(self._sound.streams.audio[0])

    def _open_sound(self, sound):
        """Begins to read packets of sound, where there are some that MP4 holds."""
        with suppress(self._av.FFmpegError):
            self._sound = open_container(sound)
            if not self._sound.streams.audio:
                return
            coded = self._sound.streams.audio[0].codec_context
            kind = "of an unknown kind" if coded is None or not coded.sample_rate else coded.name
            if kind not in IN_MP4:
                self.note = f"its sound ({kind}) has no place in an MP4 file and is left out"
                return
            self._packets = self._sound.demux(self._sound.streams.audio[0])
            self._packet = next(self._packets, None)

    def _copy_sound(self, until):
        """Copies packets of sound up to a time in seconds; None: all that are left."""
        with suppress(self._av.FFmpegError, StopIteration):
            while self._packets is not None and self._packet is not None:
                packet = self._packet
                if packet.dts is not None:
                    if until is not None and packet.dts * packet.time_base > until:
                        return
                    packet.stream = self._track
                    self._container.mux(packet)
                self._packet = next(self._packets, None)


def _padded(picture, size):
    """A picture of that (width, height): its last column or row is repeated where a side was odd."""
    width, height = size
    if picture.shape[1] not in (width, width - 1) or picture.shape[0] not in (height, height - 1):
        return cv2.resize(picture, size)  # a stream that changed its size
    down, aside = height - picture.shape[0], width - picture.shape[1]
    return np.ascontiguousarray(np.pad(picture, ((0, down), (0, aside), (0, 0)), mode="edge"))
