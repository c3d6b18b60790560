"""A map of numbers from 0 to 1 over an image, with a scale."""

import math

import cv2
import numpy as np
from PIL import Image, ImageDraw

from trizoo.pictures.draw import check_image
from trizoo.pictures.draw_masks import LUMA
from trizoo.pictures.fonts import default_font, load_font

SHARE = 0.6  # of the colours over the image, which is grey
MARKS = ("0", "0.25", "0.5", "0.75", "1")  # at equal distances on the scale
GROUND, INK = (255, 255, 255), (0, 0, 0)


def draw_heat(image, heat):
    """The image, grey, under the map's colours, and below it their scale: uint8 (H, W, 3), (H, W) -> (H + h, W, 3).

    Args:
        heat: float, cut at 0 and 1: from black over red to yellow

    Raises:
        ValueError: for a map of another size than the image's
    """
    check_image(image)
    if heat.shape != image.shape[:2]:
        raise ValueError(f"heat is {heat.shape}; {image.shape[:2]}, the image's size, is needed")
    grey = (image @ LUMA)[..., None]
    mixed = grey * (1 - SHARE) + _coloured(heat) * SHARE + 0.5
    return np.concatenate([mixed.astype(np.uint8), _scale(*image.shape[1::-1])])


def _coloured(heat):
    """(H, W) -> uint8 (H, W, 3) RGB."""
    levels = (np.clip(heat, 0, 1) * 255 + 0.5).astype(np.uint8)
    return cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]


def _scale(width, height):
    """A bar of the colours as wide as a picture, with numbers below it: uint8 (h, W, 3)."""
    size = max(9, round(math.sqrt(width * height) / 40))
    font, thickness = load_font(default_font(), size), size
    bar = np.repeat(_coloured(np.linspace(0, 1, width)[None]), thickness, axis=0)
    picture = Image.new("RGB", (width, thickness + 2 * size), GROUND)
    picture.paste(Image.fromarray(bar))
    pen = ImageDraw.Draw(picture)
    # of a narrow picture the two ends alone
    marks = MARKS if width > 3 * sum(font.getlength(mark) for mark in MARKS) / 2 else (MARKS[0], MARKS[-1])
    for number, mark in enumerate(marks):
        length = font.getlength(mark)
        left = (width - 1) * number / (len(marks) - 1) - length / 2
        place = (min(max(left, 1), width - length - 1), thickness + size)
        pen.text(place, mark, fill=INK, font=font, anchor="lm")
    return np.array(picture)
