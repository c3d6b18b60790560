"""Random changes of place, size and direction: boxes and mask follow the pixels."""

import math

import cv2
import numpy as np
from PIL import Image

from trizoo.augment.letterbox import Placement, as_size, check_mask, paste, read_for
from trizoo.ground.boxes import area, as_boxes, centres, clip
from trizoo.ground.conventions import GREY, IGNORE


def random_placement(sample, size, rng, jitter=0.3, scale=(0.25, 2.0), fill=GREY, min_visible=0.0):
    """The sample at a random aspect, size and place on a grey canvas, cropped where it sticks out -> Sample.

    The aspect (width / height) is multiplied by U(1 - jitter, 1 + jitter) / U(1 - jitter, 1 + jitter). A scale s from
    U(*scale) is the part of the canvas that the side that fits first takes: s = 1 is the letterbox of the jittered
    image, without its padding. That side is the height where the aspect is below the canvas's own aspect (1 for a
    square canvas), otherwise the width. The offset is uniform over the whole pixels at which the image lies inside
    the canvas, or, where it is larger, covers it. Mask padding is 255; boxes go through `keep_visible`.

    Always five draws. Raises ValueError for a jitter outside [0, 1) or a scale that isn't 0 < low <= high.
    """
    width, height = as_size(size)
    resized = random_size(sample.size, (width, height), rng, jitter, scale)
    place_x, place_y = rng.random(2)
    left, top = offset_of(place_x, width - resized[0]), offset_of(place_y, height - resized[1])
    sample, placement = read_for(sample, Placement(sample.size, (width, height), resized, left, top))
    placed = paste(sample, placement, fill)
    options = {"min_visible": min_visible, "points": placed.points}
    boxes, labels = keep_visible(placed.boxes, placed.labels, width, height, **options)
    return placed.replace(boxes=boxes, labels=labels)


def random_size(original, canvas, rng, jitter, scale):
    """The size of an image of size `original` on the canvas, as `random_placement` says -> (width, height).

    Always three draws. Raises ValueError as `random_placement` does.
    """
    if not 0 <= jitter < 1:
        raise ValueError(f"jitter is {jitter!r}; a number from 0 to below 1 is needed")
    low, high = scale
    if not 0 < low <= high:
        raise ValueError(f"scale is {scale!r}; a pair with 0 < low <= high is needed")
    width, height = canvas
    stretch_x, stretch_y = rng.uniform(1 - jitter, 1 + jitter, 2)
    factor = rng.uniform(low, high)
    aspect = original[0] / original[1] * stretch_x / stretch_y
    if aspect < width / height:
        resized = factor * height * aspect, factor * height
    else:
        resized = factor * width, factor * width / aspect
    return max(1, round(resized[0])), max(1, round(resized[1]))


def flip(sample, rng, probability=0.5):
    """The sample mirrored left to right, with this probability -> Sample. One draw."""
    if not happens(rng, probability):
        return sample
    image = cv2.flip(sample.image, 1)
    mask = None if sample.mask is None else np.ascontiguousarray(sample.mask[:, ::-1])
    boxes = as_boxes(sample.boxes).copy()
    boxes[:, [0, 2]] = sample.size[0] - boxes[:, [2, 0]]
    return sample.replace(image=image, boxes=boxes, mask=mask)


def vertical_flip(sample, rng, probability=0.5):
    """The sample mirrored top to bottom, with this probability -> Sample. One draw."""
    if not happens(rng, probability):
        return sample
    image = np.ascontiguousarray(sample.image[::-1])
    mask = None if sample.mask is None else np.ascontiguousarray(sample.mask[::-1])
    boxes = as_boxes(sample.boxes).copy()
    boxes[:, [1, 3]] = sample.size[1] - boxes[:, [3, 1]]
    return sample.replace(image=image, boxes=boxes, mask=mask)


def rotate(sample, rng, probability=0.25, degrees=10.0, fill=GREY, min_visible=0.0):
    """With this probability the sample turned about its centre by U(-degrees, degrees), at its own size -> Sample.

    A positive angle is counter-clockwise. What comes in from outside is grey in the image and 255 in the mask; the
    image is read bilinearly, the mask at the nearest pixel. A box becomes the hull of its four turned corners, which is
    larger than what is in it, then goes through `keep_visible`.

    Always two draws. Raises ValueError for degrees outside [0, 180] and for a mask that isn't of the image's size.
    """
    if not 0 <= degrees <= 180:
        raise ValueError(f"degrees is {degrees!r}; a number from 0 to 180 is needed")
    check_mask(sample)
    happening, angle = happens(rng, probability), math.radians(rng.uniform(-degrees, degrees))
    if not happening:
        return sample
    centre = np.array(sample.size) / 2
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])  # y points down
    back = np.column_stack([turn.T, centre - turn.T @ centre]).ravel().tolist()  # of a turned point, as Pillow wants it

    def turned(array, resampling, outside):
        picture = Image.fromarray(array)
        return np.array(picture.transform(sample.size, Image.Transform.AFFINE, back, resampling, fillcolor=outside))

    boxes = as_boxes(sample.boxes)
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]  # (N, 4) -> (N, 4, 2)
    corners = (corners - centre) @ turn.T + centre
    hulls = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(boxes.dtype)
    hulls, labels = keep_visible(hulls, sample.labels, *sample.size, min_visible=min_visible, points=sample.points)
    mask = sample.mask
    return sample.replace(
        image=turned(sample.image, Image.Resampling.BILINEAR, (fill,) * 3),
        boxes=hulls,
        labels=labels,
        mask=None if mask is None else turned(mask, Image.Resampling.NEAREST, IGNORE),
    )


def keep_visible(boxes, labels, width, height, min_side=1.0, min_visible=0.0, points=False):
    """Boxes clipped to the image, without those too small to learn from: (N, 4), (N,) -> (K, 4), (K,).

    A box goes if a side is `min_side` pixels or less after clipping, or if less than the fraction `min_visible` of its
    area is left. The default keeps slivers, as earlier trainings of these models did. Of `points` those stay whose
    boxes have their centre in the image, as they are.
    """
    boxes, labels = as_boxes(boxes), np.asarray(labels)
    if points:
        middles = centres(boxes)
        kept = ((middles >= 0) & (middles <= [width, height])).all(axis=1)
        return boxes[kept], labels[kept]
    clipped = clip(boxes, width, height)
    kept = (clipped[:, 2:] - clipped[:, :2] > min_side).all(axis=1)
    if min_visible > 0:
        kept &= area(clipped) >= min_visible * area(boxes)
    return clipped[kept], labels[kept]


def offset_of(fraction, room):
    """A whole number from 0 to `room` (which may be negative), uniform if `fraction` is uniform in [0, 1)."""
    steps = int(fraction * (abs(room) + 1))
    return steps if room >= 0 else -steps


def happens(rng, probability):
    """True with this probability. Draws even for 0 and 1, so that later draws don't depend on the recipe's value."""
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability!r}; a number from 0 to 1 is needed")
    return rng.random() < probability
