"""The colours of classes: one for each, told apart with ease, in pictures and plots; VOC's in mask files."""

import functools

import numpy as np
from PIL import Image


def voc_palette():
    """VOC's colours of the ids 0 to 255, uint8 (256, 3): the bits of an id, spread over red, green and blue."""
    ids = np.arange(256, dtype=np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    for level in range(3):  # an id has eight bits: three each for red and green, two for blue
        for channel in range(3):
            colours[:, channel] |= ((ids >> (3 * level + channel)) & 1) << (7 - level)
    return colours


def palette_image(mask):
    """A Pillow image in mode P, to be saved as PNG: its pixels are class ids and its colours VOC's."""
    picture = Image.fromarray(mask)
    picture.putpalette(voc_palette().tobytes())
    return picture


# sRGB to OKLab, a space in which distance is how different colours look (bottosson.github.io/posts/oklab).
RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)


LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def shown_colour(colour):
    """#rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def class_colours(num_classes):
    """One colour for each class: -> uint8 (C, 3) RGB; class i has the same colour whatever C is.

    Each next colour is the one that looks most different from all before it, among bright, saturated ones; black or
    white text (`text_colours`) is legible on each. Beyond some 3000 classes the colours repeat.
    """
    if num_classes < 0:
        raise ValueError(f"num_classes is {num_classes}; 0 or more is needed")
    # A longer table begins with the shorter one; powers of two, so that few are ever computed.
    table = _palette(max(64, 1 << (num_classes - 1).bit_length()))
    return table[np.arange(num_classes) % len(table)]


def mask_colours(num_classes):
    """The colours of classes 0 to C - 1 in pictures that `draw_mask` makes: uint8 (C, 3) RGB, bright from class 1 on.

    Class 0, mostly the background, is black; it leaves the image as it is.
    """
    return np.concatenate([np.zeros((1, 3), np.uint8), class_colours(max(0, num_classes - 1))])[:num_classes]


def text_colours(colours):
    """Black or white, whichever has more contrast on each colour: uint8 (C, 3) -> uint8 (C, 3).

    The contrast is at least 4.5 : 1 (WCAG 2.1, which asks for that much) on any colour.
    """
    luminance = _linear(np.asarray(colours)) @ [0.2126, 0.7152, 0.0722]
    # Equal contrast with white and black: (1 + 0.05) / (y + 0.05) = (y + 0.05) / 0.05, so y = 0.179.
    dark = np.where(luminance > 0.179, 0, 255).astype(np.uint8)
    return np.repeat(dark[:, None], 3, axis=1)


@functools.lru_cache(maxsize=8)
def _palette(most):
    """Up to so many colours, each the one farthest in OKLab from all before it -> uint8 (C, 3)."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = np.cbrt(_linear(colours) @ RGB_TO_LMS.T) @ LMS_TO_LAB.T
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    # Neither dull, nor so dark or pale that a line is lost in a photo; the upper bound takes out neon green.
    bright = (lab[:, 0] > 0.5) & (lab[:, 0] < 0.88) & (chroma > 0.09) & (chroma < 0.25)
    colours, lab = colours[bright], lab[bright]
    chosen = [int(np.abs(colours - np.array([255.0, 90.0, 60.0])).sum(1).argmin())]  # begin with a warm red
    distance = np.full(len(colours), np.inf)
    for _ in range(min(most, len(colours)) - 1):
        distance = np.minimum(distance, ((lab - lab[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distance.argmax()))
    palette = colours[chosen]
    palette.flags.writeable = False  # the cached table is handed out
    return palette


def _linear(colours):
    """sRGB bytes to linear light in [0, 1] (IEC 61966-2-1)."""
    values = colours / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
