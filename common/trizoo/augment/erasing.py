"""Parts of the image hidden, so that no single part is enough to know an object by.

Cutout and grid mask leave boxes and mask alone. Random erasing and hide-and-seek drop the box of an object that is
hidden almost whole, and the mask is 255 (ignore) where nothing is seen: neither the class that was there, which no
pixel shows any more, nor background, which isn't there either.
"""

import cv2
import numpy as np

from trizoo.augment.geometry import happens
from trizoo.augment.letterbox import check_mask
from trizoo.ground.boxes import area, as_boxes, clip
from trizoo.ground.conventions import GREY, IGNORE


def cutout(sample, rng, probability=0.5, holes=1, size=(0.1, 0.3), fill=GREY):
    """With this probability the sample with rectangles of it painted grey -> Sample.

    Random erasing (Zhong et al. 2020; DeVries & Taylor 2017, whose holes are squares): `holes` of them, each of a
    width and a height from U(*size), shares of the image's own, somewhere inside the image; they may overlap.

    Always 1 + 4 * holes draws. Raises ValueError for a size that isn't 0 < low <= high <= 1 and for less than one hole.
    """
    low, high = size
    if not 0 < low <= high <= 1:
        raise ValueError(f"size is {size!r}; a pair with 0 < low <= high <= 1 is needed")
    if holes < 1:
        raise ValueError(f"holes is {holes!r}; a whole number from 1 is needed")
    happening = happens(rng, probability)
    shares, places = rng.uniform(low, high, (holes, 2)), rng.random((holes, 2))
    if not happening:
        return sample
    sides = np.maximum(np.rint(shares * sample.size).astype(int), 1)
    corners = (places * (sample.size - sides + 1)).astype(int)
    image = sample.image.copy()
    for (left, top), (width, height) in zip(corners, sides, strict=True):
        image[top : top + height, left : left + width] = fill
    return sample.replace(image=image)


def grid_mask(sample, rng, probability=0.5, unit=(0.4, 1.0), keep=0.6, fill=GREY):
    """With this probability the sample behind a grid of grey squares -> Sample (Chen et al. 2020, without rotation).

    One square a unit; the unit's side is U(*unit) of the image's shorter side, of which the square leaves the part
    `keep` (0.6 and 96 to 224 of 224 pixels in the paper); the grid begins anywhere.

    Always four draws. Raises ValueError for a unit that isn't 0 < low <= high and a keep outside [0, 1].
    """
    low, high = unit
    if not 0 < low <= high:
        raise ValueError(f"unit is {unit!r}; a pair with 0 < low <= high is needed")
    if not 0 <= keep <= 1:
        raise ValueError(f"keep is {keep!r}; a number from 0 to 1 is needed")
    happening = happens(rng, probability)
    period, begin = rng.uniform(low, high), rng.random(2)
    if not happening:
        return sample
    width, height = sample.size
    period = max(1, round(period * min(width, height)))
    square = round((1 - keep) * period)
    columns, rows = (
        np.flatnonzero((np.arange(side) + int(offset * period)) % period < square)
        for side, offset in zip((width, height), begin, strict=True)
    )
    image = sample.image.copy()
    image[np.ix_(rows, columns)] = fill
    return sample.replace(image=image)


def random_erasing(
    sample, rng, probability=0.5, area=(0.02, 0.4), aspect=(0.3, 3.3), noise=True, fill=GREY, max_hidden=0.8
):
    """With this probability the sample with one rectangle of it erased -> Sample (Zhong et al. 2020).

    The rectangle has the share U(*area) of the image's area, and a width / height whose logarithm is uniform between
    those of `aspect`, so that wide and high ones are equally likely; a side that would be longer than the image's is as
    long. It lies anywhere inside the image, full of random pixels or, without `noise`, grey.

    Always one draw and one generator spawned.

    Args:
        max_hidden: a box of which a greater share is erased goes

    Raises:
        ValueError: for an area that isn't 0 < low <= high <= 1, an aspect that isn't 0 < low <= high, a max_hidden
            outside [0, 1] and a mask that isn't of the image's size
    """
    low, high = area
    if not 0 < low <= high <= 1:
        raise ValueError(f"area is {area!r}; a pair with 0 < low <= high <= 1 is needed")
    if not 0 < aspect[0] <= aspect[1]:
        raise ValueError(f"aspect is {aspect!r}; a pair with 0 < low <= high is needed")
    _check_hiding(sample, max_hidden)
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening:
        return sample
    share, ratio = rng.uniform(low, high), np.exp(rng.uniform(*np.log(aspect)))
    size = np.array(sample.size)
    sides = np.clip(np.rint(np.sqrt(share * size.prod() * np.array([ratio, 1 / ratio]))).astype(int), 1, size)
    left, top = (rng.random(2) * (size - sides + 1)).astype(int)
    hidden = np.zeros(sample.image.shape[:2], np.uint8)
    hidden[top : top + sides[1], left : left + sides[0]] = 1
    if noise:
        content = rng.integers(0, 256, (sides[1], sides[0], 3), np.uint8)
    else:
        content = np.full((sides[1], sides[0], 3), fill, np.uint8)
    image = sample.image.copy()
    image[top : top + sides[1], left : left + sides[0]] = content
    return _without_hidden(sample.replace(image=image), hidden, max_hidden)


def hide_and_seek(sample, rng, probability=0.5, patch=(0.07, 0.25), hide=0.5, fill=GREY, max_hidden=0.8):
    """With this probability the sample with patches of a grid hidden by grey, each on its own -> Sample.

    Singh & Lee 2017. The patches are squares of U(*patch) of the image's shorter side, from its top left corner on (16
    to 56 of 224 pixels and half of them hidden in the paper); those at the right and below may be cut off.

    Always one draw and one generator spawned.

    Args:
        hide: how likely a patch is hidden
        max_hidden: a box of which a greater share is hidden goes

    Raises:
        ValueError: for a patch that isn't 0 < low <= high <= 1, a hide or max_hidden outside [0, 1] and a mask that
            isn't of the image's size
    """
    low, high = patch
    if not 0 < low <= high <= 1:
        raise ValueError(f"patch is {patch!r}; a pair with 0 < low <= high <= 1 is needed")
    if not 0 <= hide <= 1:
        raise ValueError(f"hide is {hide!r}; a number from 0 to 1 is needed")
    _check_hiding(sample, max_hidden)
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening:
        return sample
    width, height = sample.size
    side = max(1, round(rng.uniform(low, high) * min(width, height)))
    cells = (rng.random((-(-height // side), -(-width // side))) < hide).astype(np.uint8)
    hidden = np.ascontiguousarray(cells.repeat(side, axis=0).repeat(side, axis=1)[:height, :width])
    image = cv2.copyTo(np.full_like(sample.image, fill), hidden, sample.image.copy())
    return _without_hidden(sample.replace(image=image), hidden, max_hidden)


def hidden_share(boxes, hidden):
    """The share of each box's part inside the image that is hidden: (N, 4), uint8 (H, W) of 0 and 1 -> (N,) in [0, 1].

    Exact at fractions of pixels, too: between whole pixels a sum over a rectangle grows linearly along each side. 1 for
    a box without area inside the image.
    """
    height, width = hidden.shape
    sums = cv2.integral(hidden)  # (H + 1, W + 1): how many are hidden above and left of each corner
    boxes = clip(as_boxes(boxes).astype(np.float64), width, height)

    def up_to(x, y):
        column, row = np.minimum(x.astype(int), width - 1), np.minimum(y.astype(int), height - 1)
        x, y = x - column, y - row
        above = (1 - x) * sums[row, column] + x * sums[row, column + 1]
        below = (1 - x) * sums[row + 1, column] + x * sums[row + 1, column + 1]
        return (1 - y) * above + y * below

    xmin, ymin, xmax, ymax = boxes.T
    count = up_to(xmax, ymax) - up_to(xmin, ymax) - up_to(xmax, ymin) + up_to(xmin, ymin)
    areas = area(boxes)
    return np.divide(count, areas, out=np.ones(len(boxes)), where=areas > 0)


def _check_hiding(sample, max_hidden):
    if not 0 <= max_hidden <= 1:
        raise ValueError(f"max_hidden is {max_hidden!r}; a number from 0 to 1 is needed")
    check_mask(sample)


def _without_hidden(sample, hidden, max_hidden):
    """The sample with its mask 255 where uint8 (H, W) is 1, and without boxes hidden by more than this share."""
    mask, boxes, labels = sample.mask, as_boxes(sample.boxes), np.asarray(sample.labels)
    if mask is not None:
        mask = np.where(hidden, np.uint8(IGNORE), mask)
    if len(boxes):
        kept = hidden_share(boxes, hidden) <= max_hidden + 1e-9  # to rounding
        boxes, labels = boxes[kept], labels[kept]
    return sample.replace(boxes=boxes, labels=labels, mask=mask)
