"""Where channels lie within a network: last, but on Keras's PyTorch backend first.

Given channels last, that backend copies what goes into each convolution and pool to channels first and then back. Given
channels first it copies nothing; PyTorch stores the tensors as the images came in, channels last, all the same.
"""

import keras
from keras import ops

CHANNELS_FIRST = keras.backend.backend() == "torch"
DATA_FORMAT = "channels_first" if CHANNELS_FIRST else "channels_last"
CHANNELS = 1 if CHANNELS_FIRST else -1  # axis
HEIGHT, WIDTH = (2, 3) if CHANNELS_FIRST else (1, 2)  # axes


def from_images(x):
    """Images as they lie within a network: (B, H, W, C) -> (B, H, W, C) or (B, C, H, W)."""
    return ops.transpose(x, (0, 3, 1, 2)) if CHANNELS_FIRST else x


def to_images(x):
    """The inverse of `from_images`: (B, H, W, C) or (B, C, H, W) -> (B, H, W, C)."""
    return ops.transpose(x, (0, 2, 3, 1)) if CHANNELS_FIRST else x


def per_channel(vector):
    """Values of channels in a shape that meets each channel of a tensor with its own: (C,) -> (C,) or (C, 1, 1)."""
    return ops.reshape(vector, (-1, 1, 1)) if CHANNELS_FIRST else vector


def pad(x, before, after, value=0.0):
    """A tensor with more pixels of one value around it: (B, H, W, C) -> (B, H + before + after, W + before + after, C).

    Args:
        before: pixels above and on the left
        after: below and on the right
    """
    widths = [(0, 0)] * 4
    widths[HEIGHT] = widths[WIDTH] = (before, after)
    return ops.pad(x, widths, constant_values=value)


def shape(channels):
    """The shape of a tensor with so many channels, for a layer's `build`: None but for them."""
    return (None, channels, None, None) if CHANNELS_FIRST else (None, None, None, channels)
