"""Counts of classes in the corner of a picture."""

import math

import numpy as np
from PIL import Image, ImageDraw

from trizoo.pictures.draw import check_image
from trizoo.pictures.fonts import label_faces, load_font
from trizoo.pictures.labels import make_label
from trizoo.pictures.palette import class_colours, text_colours


def draw_counts(image, class_names, counts, *, font_size=None):
    """The image with `3 cat` and so on at its top left, a line a class that there is: uint8 (H, W, 3) -> a new one.

    What has no room at the bottom is left out.

    Args:
        class_names: C
        counts: of each class, (C,)
        font_size: in pixels; None follows the image's size
    """
    check_image(image)
    height, width = image.shape[:2]
    size = font_size or max(11, round(math.sqrt(width * height) / 30))
    picture = Image.fromarray(image)
    if any(counts):
        pen, top = ImageDraw.Draw(picture), 0
        colours = class_colours(len(class_names))
        inks = text_colours(colours)
        for (text, file), count, colour, ink in zip(
            label_faces(tuple(class_names)), counts, colours, inks, strict=True
        ):
            label = make_label(f"{count} {text}", load_font(file, size), (width, height)) if count else None
            if label is not None and top + label.size[1] <= height:
                label.draw(pen, (0, top), tuple(colour.tolist()), tuple(ink.tolist()))
                top += label.size[1]
    return np.array(picture)
