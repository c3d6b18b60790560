"""VOC's colours of class ids, and masks as PNG files have them."""

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
