"""The class of an image, or several, at its top left."""

import math

import numpy as np
from PIL import Image, ImageDraw

from trizoo.pictures.draw import check_image
from trizoo.pictures.fonts import label_faces, load_font
from trizoo.pictures.labels import GAP, make_label
from trizoo.pictures.palette import class_colours, text_colours


def draw_class(image, label, class_names, score=None, *, font_size=None):
    """The image with the name of its class, and a score: uint8 (H, W, 3) -> a new one.

    An image in which not a letter has room stays as it is.

    Args:
        label: class id
        score: in [0, 1], None for none
        font_size: in pixels; None follows the image's size
    """
    return draw_classes(image, [label], class_names, [score], font_size=font_size)


def draw_classes(image, labels, class_names, scores=None, *, font_size=None):
    """As `draw_class`, of several classes one below the other, as many as have room.

    Args:
        labels: class ids
        scores: of each, in [0, 1]; None for none
    """
    check_image(image)
    height, width = image.shape[:2]
    size = font_size or max(11, round(math.sqrt(width * height) / 30))
    colours, picture, top = class_colours(len(class_names)), Image.fromarray(image), 0
    inks = text_colours(colours)
    for label, score in zip(labels, scores or [None] * len(labels), strict=True):
        text, file = label_faces(tuple(class_names))[label]
        ending = "" if score is None else f" {score:.2f}"
        label_on = make_label(text, load_font(file, size), (width, height), ending)
        if label_on is None or top + label_on.size[1] > height:
            break
        pen, colour, ink = ImageDraw.Draw(picture), tuple(colours[label].tolist()), tuple(inks[label].tolist())
        label_on.draw(pen, (0, top), colour, ink)
        top += label_on.size[1] + GAP
    return np.array(picture)
