"""The class of an image, at its top left."""

import math

import numpy as np
from PIL import Image, ImageDraw

from trizoo.pictures.draw import check_image
from trizoo.pictures.fonts import label_faces, load_font
from trizoo.pictures.labels import make_label
from trizoo.pictures.palette import class_colours, text_colours


def draw_class(image, label, class_names, score=None, *, font_size=None):
    """The image with the name of its class, and a score: uint8 (H, W, 3) -> a new one.

    An image in which not a letter has room stays as it is.

    Args:
        label: class id
        score: in [0, 1], None for none
        font_size: in pixels; None follows the image's size
    """
    check_image(image)
    height, width = image.shape[:2]
    size = font_size or max(11, round(math.sqrt(width * height) / 30))
    text, file = label_faces(tuple(class_names))[label]
    ending = "" if score is None else f" {score:.2f}"
    label_on = make_label(text, load_font(file, size), (width, height), ending)
    picture = Image.fromarray(image)
    if label_on is not None:
        colours = class_colours(len(class_names))
        ink = text_colours(colours)[label]
        label_on.draw(ImageDraw.Draw(picture), (0, 0), tuple(colours[label].tolist()), tuple(ink.tolist()))
    return np.array(picture)
