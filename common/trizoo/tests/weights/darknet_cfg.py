"""A slow, independent interpreter of Darknet's network definitions and weight files, as an oracle. NumPy only.

It shares nothing with the readers, importers and networks that it is held against: it has its own lines for the
`.cfg`, the header and the order of the numbers. All five definitions of YOLOv3 and YOLOv4 are within its reach, and
Darknet53's as a classifier.
"""

import math
import struct

import numpy as np


def sections(text):
    """The sections of a .cfg: a list of (name, {key: text})."""
    found = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            found.append((line[1:-1], {}))
        elif line:
            key, value = line.split("=")
            found[-1][1][key.strip()] = value.strip()
    return found


# what a batch norm divides by: of the first Darknet, of AlexeyAB's where it predicts, and of OpenCV's reader
DIVISORS = {
    0: lambda variance: np.sqrt(variance) + 1e-6,
    5: lambda variance: np.sqrt(variance + 1e-5),
    "opencv": lambda variance: np.sqrt(variance + 1e-6),
}


def darknet53(classes=1000):
    """Text of the classifier's definition, written down from Redmon and Farhadi 2018, table 1."""

    def conv(filters, size, stride=1, last=False):
        norm, activation = ("", "linear") if last else ("batch_normalize=1\n", "leaky")
        return (
            f"[convolutional]\n{norm}filters={filters}\nsize={size}\nstride={stride}\npad=1\nactivation={activation}\n"
        )

    text = "[net]\n" + conv(32, 3)
    for filters, blocks in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2)
        text += (conv(filters // 2, 1) + conv(filters, 3) + "[shortcut]\nfrom=-3\n") * blocks
    return text + "[avgpool]\n" + conv(classes, 1, last=True) + "[softmax]\n"


def made_up(cfg, seed=0, seen=32013312, revision=5):
    """Bytes of a .weights file for a .cfg's text, with a header of 20 bytes; numbers that keep features in bounds.

    Args:
        revision: of the version, a key of DIVISORS
    """
    taken = []
    rng = np.random.default_rng(seed)

    def draw(kind, shape):
        values = rng.random(shape, np.float32) * 2 - 1
        if kind == "kernel":
            values *= np.float32(math.sqrt(3 / math.prod(shape[1:])))
        else:
            values = values / 2 + (kind in ("scale", "variance"))
        taken.append(values.ravel())
        return values

    run(cfg, draw, np.zeros((1, 3, 32, 32)), DIVISORS[5])
    return struct.pack("<iiiq", 0, 2, revision, seen) + np.concatenate(taken).astype("<f4").tobytes()


def interpret(cfg, weights, images, divisor=None):
    """Runs a .cfg's text with the bytes of a 20-byte-header file on uint8 (B, H, W, 3), sides multiples of 32.

    Gives the inputs of the [yolo] or [softmax] layers, float64 (B, H, W, channels) each, and how many floats it took.

    Args:
        divisor: a key of DIVISORS, None for the file's own
    """
    floats = np.frombuffer(weights, "<f4", offset=20)
    taken = 0

    def draw(kind, shape):
        nonlocal taken
        taken += math.prod(shape)
        return floats[taken - math.prod(shape) : taken].reshape(shape)

    divisor = struct.unpack("<i", weights[8:12])[0] if divisor is None else divisor
    heads = run(cfg, draw, images.transpose(0, 3, 1, 2) / 255, DIVISORS[divisor])
    return [head.transpose(0, 2, 3, 1) for head in heads], taken


def run(cfg, draw, x, divisor):
    """Inputs of the [yolo] or [softmax] layers, (B, C, H, W).

    Args:
        draw: (kind, shape) -> numbers of the next array in the file
    """
    outputs, heads = [], []
    for name, options in sections(cfg)[1:]:
        if name == "convolutional":
            x = convolutional(x, options, draw, divisor)
        elif name == "maxpool":
            x = maxpool(x, int(options["size"]), int(options["stride"]))
        elif name == "shortcut":
            x = x + outputs[int(options["from"])]
        elif name == "upsample":
            x = x.repeat(2, axis=2).repeat(2, axis=3)
        elif name == "route":
            parts = [outputs[int(layer)] for layer in options["layers"].split(",")]
            groups, group = int(options.get("groups", 1)), int(options.get("group_id", 0))
            x = np.concatenate([np.split(part, groups, axis=1)[group] for part in parts], axis=1)
        elif name == "avgpool":
            x = x.mean(axis=(2, 3), keepdims=True)
        elif name in ("yolo", "softmax"):
            heads.append(x)
        else:
            raise AssertionError(f"[{name}] is in none of the definitions")
        outputs.append(x)
    return heads


def convolutional(x, options, draw, divisor):
    """Convolution, batch normalisation with Darknet's order of numbers and activation."""
    filters, size, stride = (int(options[key]) for key in ("filters", "size", "stride"))
    assert options["pad"] == "1"
    bias = draw("bias", (filters,))
    if options.get("batch_normalize") == "1":
        scale, mean, variance = (draw(kind, (filters,)) for kind in ("scale", "mean", "variance"))
    kernel = draw("kernel", (filters, x.shape[1], size, size)).astype(np.float64)
    windows = padded(x, size // 2, size // 2, 0)
    windows = np.lib.stride_tricks.sliding_window_view(windows, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    x = np.tensordot(windows, kernel, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    if options.get("batch_normalize") == "1":
        scale, mean, variance = (v.astype(np.float64).reshape(1, -1, 1, 1) for v in (scale, mean, variance))
        x = (x - mean) / divisor(variance) * scale
    x = x + bias.reshape(1, -1, 1, 1)
    if options["activation"] == "leaky":
        return np.where(x > 0, x, 0.1 * x)
    if options["activation"] == "mish":
        return x * np.tanh(np.logaddexp(0, x))
    assert options["activation"] == "linear"
    return x


def maxpool(x, size, stride):
    """Darknet's pooling: size - 1 rows and columns of padding, the smaller half of them above and left."""
    before = (size - 1) // 2
    x = padded(x, before, size - 1 - before, -np.inf)
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride].max((4, 5))


def padded(x, before, after, value):
    """(B, C, H, W) with so many rows and columns more before and after."""
    return np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)), constant_values=value)
