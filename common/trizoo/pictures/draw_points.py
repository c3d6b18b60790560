"""Pictures of marks: a cross at each, with its class and score."""

import math

import numpy as np
from PIL import Image, ImageDraw

from trizoo.ground.boxes import around
from trizoo.pictures.draw import check_image, check_labels
from trizoo.pictures.tags import place_tags

HALO = (0, 0, 0)  # around a cross, so that it stands out on any ground


def draw_points(image, points, labels, class_names, scores=None, *, thickness=None, labelled=True):
    """A picture of marks with their class names and, where given, scores: uint8 (H, W, 3) -> a new one.

    The highest score is drawn last. Marks outside of the image aren't drawn; no label covers another.

    Args:
        points: (N, 2), x and y in pixels
        labels: (N,), class ids
        scores: (N,)
        thickness: pixels of the lines, None: by the image's size
        labelled: whether names stand beside the marks

    Raises:
        ValueError: for another kind of image, arrays that don't agree, and a label that has no name
    """
    check_image(image)
    points, labels = np.asarray(points, np.float64).reshape(-1, 2), check_labels(labels, class_names)
    if len(points) != len(labels) or (scores is not None and len(scores) != len(points)):
        lengths = len(points), len(labels), None if scores is None else len(scores)
        raise ValueError(f"points, labels and scores have lengths {lengths}; equal ones are needed")
    height, width = image.shape[:2]
    side = min(math.sqrt(width * height), 2.5 * min(width, height))  # of a strip its height counts
    thickness = max(1, round(side / 280)) if thickness is None else round(thickness)
    arm, font_size = max(4, round(side / 45)), max(11, round(side / 38))
    order = np.arange(len(points)) if scores is None else np.argsort(scores, kind="stable")
    inside = ((points >= 0) & (points <= [width, height])).all(axis=1)
    order = order[inside[order]].tolist()
    centres = np.minimum(np.nan_to_num(points), [width - 1, height - 1]).round().astype(np.int64)
    corners = np.clip(around(centres, arm), 0, [width - 1, height - 1] * 2).tolist()
    labels = labels.tolist()
    tags = place_tags(order, corners, labels, scores, class_names, font_size, (width, height), labelled)

    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    for number in order:
        for colour, wider in ((HALO, 2), (tags.colours[labels[number]], 0)):
            _cross(pen, centres[number].tolist(), arm, colour, thickness + wider)
    tags.draw(pen, thickness)
    return np.array(picture)


def _cross(pen, centre, arm, colour, width):
    x, y = centre
    pen.line((x - arm, y, x + arm, y), fill=colour, width=width)
    pen.line((x, y - arm, x, y + arm), fill=colour, width=width)
