"""Pictures of boxes and contact sheets: uint8 (H, W, 3) RGB in, a new one out."""

import math

import numpy as np
from PIL import Image, ImageDraw

from trizoo.ground.boxes import as_boxes
from trizoo.ground.conventions import GREY
from trizoo.pictures.tags import place_tags


def draw_detections(image, detections, class_names, *, thickness=None, font_size=None, labelled=True):
    """A picture of the detections with their names and scores: uint8 (H, W, 3) RGB -> a new one of the same size.

    The highest score is drawn last, so that it lies on top. See `draw_boxes` for the rest.
    """
    boxes, labels, scores = detections.boxes, detections.labels, detections.scores
    options = {"thickness": thickness, "font_size": font_size, "labelled": labelled}
    return draw_boxes(image, boxes, labels, class_names, scores, **options)


def draw_boxes(image, boxes, labels, class_names, scores=None, *, thickness=None, font_size=None, labelled=True):
    """A picture of boxes (N, 4) with their class names and, where given, scores (N,): uint8 (H, W, 3) -> a new one.

    thickness (of lines) and font_size are in pixels; None makes them follow the image's size. Boxes are cut at the
    image's edges, those wholly outside aren't drawn. No label covers another: each stands above its box, or as near to
    it as there is room (`trizoo.pictures.labels.place_labels`), the last drawn box choosing first. A long name is cut
    short to fit the image, and a label that still has no room (in images of few pixels) is left out; so are all of them
    where the boxes aren't to be `labelled`.
    Raises ValueError for another kind of image, arrays that don't agree, nan, or a label that has no name.
    """
    check_image(image)
    boxes, labels = as_boxes(boxes).reshape(-1, 4), check_labels(labels, class_names)
    scores = None if scores is None else np.asarray(scores)
    if len(labels) != len(boxes) or (scores is not None and len(scores) != len(boxes)):
        lengths = len(boxes), len(labels), None if scores is None else len(scores)
        raise ValueError(f"boxes, labels and scores have lengths {lengths}; equal ones are needed")
    if np.isnan(boxes).any():
        raise ValueError(f"boxes holds nan in row {int(np.argwhere(np.isnan(boxes))[0, 0])}; numbers are needed")
    height, width = image.shape[:2]
    scale = math.sqrt(width * height)
    thickness = _pixels("thickness", thickness, max(1, round(scale / 280)))
    font_size = _pixels("font_size", font_size, max(11, round(scale / 38)))

    order = np.arange(len(boxes)) if scores is None else np.argsort(scores, kind="stable")
    visible = (boxes[:, 2:] > 0).all(1) & (boxes[:, 0] < width) & (boxes[:, 1] < height)
    order = order[visible[order]]
    corners = _corners(boxes, width, height)
    sides = corners[:, 2:] - corners[:, :2] + 1
    # Pillow draws lines inward from the corners, and out of the far side of a box that is smaller than they are.
    widths = np.minimum(thickness, (sides.min(1, initial=2 * thickness) + 1) // 2).tolist()
    order, corners, labels = order.tolist(), corners.tolist(), labels.tolist()
    tags = place_tags(order, corners, labels, scores, class_names, font_size, (width, height), labelled)

    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    for k in order:
        pen.rectangle(corners[k], outline=tags.colours[labels[k]], width=widths[k])
    tags.draw(pen, thickness)
    return np.array(picture)


def contact_sheet(images, columns, cell, *, gap=4):
    """A contact sheet: uint8 (H, W, 3) images of any sizes, row by row -> uint8 (H, W, 3) RGB.

    The sheet has no more columns than images.

    Args:
        columns: the most images in a row
        cell: (width, height) of the place in which each image is scaled to fit, its ratio kept, on grey
        gap: pixels between cells
    """
    images = list(images)
    for name, value in (("number of images", len(images)), ("columns", columns), ("cell width", cell[0])):
        if value < 1:
            raise ValueError(f"{name} is {value}; at least 1 is needed")
    (cell_width, cell_height), columns = cell, min(columns, len(images))
    rows = -(-len(images) // columns)
    size = columns * (cell_width + gap) - gap, rows * (cell_height + gap) - gap
    sheet = Image.new("RGB", size, (255, 255, 255))
    for k, image in enumerate(images):
        check_image(image)
        height, width = image.shape[:2]
        ratio = min(cell_width / width, cell_height / height)
        scaled = max(1, round(width * ratio)), max(1, round(height * ratio))
        # reducing_gap: large photos are first shrunk by a whole factor, many times faster and as good to the eye.
        small = Image.fromarray(image).resize(scaled, Image.Resampling.BICUBIC, reducing_gap=3.0)
        left, top = k % columns * (cell_width + gap), k // columns * (cell_height + gap)
        sheet.paste((GREY,) * 3, (left, top, left + cell_width, top + cell_height))
        sheet.paste(small, (left + (cell_width - scaled[0]) // 2, top + (cell_height - scaled[1]) // 2))
    return np.array(sheet)


def check_image(image):
    """Raises ValueError unless the image is a uint8 array (H, W, 3) that has pixels."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        kind = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"image is {kind}; a uint8 array (H, W, 3) in RGB is needed")
    if 0 in image.shape:
        raise ValueError(f"image has shape {image.shape}; at least one pixel is needed")


def check_labels(labels, class_names):
    """The labels as int64 (N,). Raises ValueError where one has no name."""
    labels = np.asarray(labels, dtype=np.int64).reshape(-1)
    wrong = labels[(labels < 0) | (labels >= len(class_names))]
    if len(wrong):
        raise ValueError(f"labels holds {wrong[0]}; 0 to {len(class_names) - 1} have a class name")
    return labels


def _corners(boxes, width, height):
    """First and last pixel of each box in the image: (N, 4) -> int64 (N, 4), at least one pixel each."""
    edges = np.floor(np.clip(boxes, 0, [width, height, width, height]) + 0.5).astype(np.int64)
    first = np.minimum(edges[:, :2], [width - 1, height - 1])
    return np.concatenate([first, np.maximum(edges[:, 2:] - 1, first)], axis=1)


def _pixels(name, value, default):
    if value is None:
        return default
    if value < 1:
        raise ValueError(f"{name} is {value}; at least 1 pixel is needed")
    return round(value)
