"""Pictures as parts of a page, so that it is one file: plots, and truth beside prediction."""

import base64
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from trizoo.data.images import read_image
from trizoo.show.page import Figure, Section

SIDE = 480  # pixels, the longer side of each of two pictures
GAP = 6  # pixels between them
WORST = 12  # images
QUALITY = 85  # of JPEG


def plot(figure, caption):
    """matplotlib's Figure -> Figure of the page."""
    file = BytesIO()
    figure.savefig(file, format="png")
    size = tuple(round(inches * figure.dpi) for inches in figure.get_size_inches())
    return Figure(_address("png", file), (caption,), size)


def side_by_side(truth, prediction, caption):
    """Two pictures uint8 (H, W, 3) of one size -> Figure of the page.

    Args:
        caption: lines of text
    """
    gap = np.full((len(truth), GAP, 3), 255, np.uint8)
    picture = np.concatenate([truth, gap, prediction], axis=1)
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=QUALITY)
    return Figure(_address("jpeg", file), tuple(caption), picture.shape[1::-1])


def small(record):
    """A record's image, its longer side of SIDE pixels: -> uint8 (H, W, 3), how much smaller it is in x and y.

    It is brought to that size before anything is drawn on it, so that lines and letters can be seen on each.
    """
    ratio = SIDE / max(record.size)
    size = tuple(max(1, round(side * ratio)) for side in record.size)
    image = read_image(record.image, at_least=size)
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how), (size[0] / record.size[0], size[1] / record.size[1])


def worst_images(records, mistakes, draw, point=""):
    """The images with the most mistakes -> Section.

    Args:
        mistakes: {kind: how many in each image}
        draw: image uint8 (H, W, 3), how much smaller it is in x and y, number of the record -> truth, prediction
        point: what the numbers are at, after a comma, or ""
    """
    total = sum(mistakes.values())
    worst = [int(number) for number in np.argsort(-total, kind="stable")[:WORST] if total[number]]
    if not worst:
        at = f"{point.removeprefix(', ')} " if point else ""
        return Section("Worst images", (f"None: {at}nothing is missed, invented or confused.",))
    figures = []
    for number in worst:
        truth, prediction = draw(*small(records[number]), number)
        counts = ", ".join(f"{counts[number]} {name}" for name, counts in mistakes.items())
        figures.append(side_by_side(truth, prediction, (records[number].id, counts)))
    sums = ", ".join(f"{counts.sum():,} {name}" for name, counts in mistakes.items())
    more = ("truth at the left, prediction with its confidence at the right",)
    return Section("Worst images", (f"In all images {sums}{point}.",), more, figures=figures, layout="plots")


def _address(kind, file):
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
