"""Parts of the image hidden, so that no single part is enough to know an object by. Boxes and mask stay."""

import numpy as np

from trizoo.augment.geometry import happens
from trizoo.ground.conventions import GREY


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
