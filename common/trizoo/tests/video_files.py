"""Small videos for tests, written by PyAV itself."""

from fractions import Fraction

import numpy as np
import pytest

RATE = Fraction(30_000, 1001)


def write_video(path, count=30, rate=RATE, size=(64, 48), sound=None, rotation=None):
    """A video whose frame i is grey 8 i, as its encoder keeps it; skips the test where there is no PyAV.

    Args:
        sound: the encoder of a second of silence, None for none
        rotation: degrees that a player turns it by, counter-clockwise
    """
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if rotation is not None:
            stream.set_display_rotation(rotation)
        track = None if sound is None else container.add_stream(sound, rate=44_100)
        for number in range(count):
            pixels = np.full((size[1], size[0], 3), 8 * number % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
        if track is not None:
            kind = {"pcm_s16le": ("s16", np.int16)}.get(sound, ("flt", np.float32))
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), kind[1]), format=kind[0], layout="mono")
            silence.sample_rate, silence.pts = 44_100, 0
            container.mux(track.encode(silence))
            container.mux(track.encode(None))
    return path
