"""Things that look alike but for a few features, drawn from a seed: what embeddings and recognition are tried with."""

import itertools

import numpy as np
from PIL import Image, ImageFilter

from trizoo.data.shapes import covered, draw_turned, fill, ground

_OUTLINES = ("circle", "square", "triangle", "star")
_HUES = {"red": 0.0, "yellow": 0.16, "green": 0.37, "blue": 0.62}
_MARKS = ("circle", "bar", "cross", "ring", "triangle")
_FEATURES = itertools.product(_OUTLINES, _HUES, _MARKS)
_NAMED = {f"{hue}-{shape}-{mark}": (shape, hue, mark) for shape, hue, mark in _FEATURES}
# 80 names, in an order that mixes their features
IDENTITIES = tuple(np.random.RandomState(0).permutation(sorted(_NAMED)).tolist())
_SPLITS = ("train", "val", "train", "test", "train")  # of five identities in a row
_HUE_RANGE = 0.03  # to either side
_MARK = 0.45  # radius, share of the outline's
_PALE = 215, 256  # channels of a mark
_LIGHT, _TINT, _BLUR = (0.7, 1.25), 0.06, 0.8  # of a whole image: factor, its spread over channels, pixels
_MOST_OTHERS = 6  # specks
_SMALLEST, _LARGEST = 0.28, 0.46  # radius in an image of one thing, share of its shorter side
_MOST_THINGS, _APART, _ATTEMPTS = 5, 4, 20  # of a scene; pixels between two; places tried for each
_SMALLEST_IN_SCENE, _LARGEST_IN_SCENE = 1 / 16, 1 / 6


def split_of_identity(name, classes=IDENTITIES):
    """The only split that an identity is drawn in: train for three in five, else val or test."""
    return _SPLITS[classes.index(name) % len(_SPLITS)]


def draw_identity(index, label, size, classes, seed):
    """Image `index` of a data set: uint8 (H, W, 3) RGB, with one thing, as a detector's crop would show it.

    A name says the outline, its hue and the pale mark in its middle, and nothing else does: size, place, angle, shade,
    light and ground are random.

    Args:
        size: (width, height)
        classes: names among IDENTITIES
    """
    random = np.random.RandomState([seed, index, 3])
    pixels = _ground(random, size)
    radius = min(size) * random.uniform(_SMALLEST, _LARGEST)
    _draw(pixels, random, classes[label], radius, _centre(random, radius, size), size)
    return _seen(pixels, random)


def draw_scene(index, size, classes, seed):
    """Scene `index` of a data set: uint8 (H, W, 3) RGB with up to five things, and where they are.

    Returns:
        the pixels, and a list of (label, xmin, ymin, xmax, ymax, False); things lie apart and within the image
    """
    random = np.random.RandomState([seed, index, 4])
    pixels, things, placed = _ground(random, size), [], []
    smallest, largest = min(size) * _SMALLEST_IN_SCENE, min(size) * _LARGEST_IN_SCENE
    for _ in range(random.randint(1, _MOST_THINGS + 1)):
        radius, label = random.uniform(smallest, largest), random.randint(len(classes))
        for _ in range(_ATTEMPTS):
            centre = _centre(random, radius, size)
            if all(np.hypot(*np.subtract(centre, other)) >= radius + its + _APART for other, its in placed):
                things.append((label, *_draw(pixels, random, classes[label], radius, centre, size), False))
                placed.append((centre, radius))
                break
    return _seen(pixels, random), things


def _draw(pixels, random, name, radius, centre, size):
    """Draws a thing into pixels and gives its tight box."""
    shape, hue, mark = _NAMED[name]
    degrees, radius = random.randint(360), round(radius, 3)
    (top, left), inside, _ = covered(shape, radius, centre, degrees, size)
    window = np.s_[top : top + inside.shape[0], left : left + inside.shape[1]]
    hues = _HUES[hue] - _HUE_RANGE, _HUES[hue] + _HUE_RANGE
    pixels[window][inside] = fill(random, int(inside.sum()), pixels[window][inside].mean(0).round(), hues)
    (above, before), marked, _ = covered(mark, max(1.0, round(_MARK * radius, 3)), centre, degrees, size)
    pixels[above : above + marked.shape[0], before : before + marked.shape[1]][marked] = random.randint(*_PALE, 3)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1


def _ground(random, size):
    pixels = ground(random, size)
    for _ in range(random.randint(_MOST_OTHERS + 1)):
        place = tuple((random.random_sample(2) * size).round(3).tolist())
        draw_turned(pixels, random, "circle", max(1.0, 0.03 * min(size)), place, size)
    return pixels


def _centre(random, radius, size):
    """x and y in thousandths of a pixel, so that the whole disc is in the image."""
    return tuple((radius + random.random_sample(2) * (np.array(size) - 2 * radius)).round(3).tolist())


def _seen(pixels, random):
    """The same in another light, and a little out of focus."""
    light = random.uniform(*_LIGHT) * random.uniform(1 - _TINT, 1 + _TINT, 3)
    image = Image.fromarray(np.clip(pixels * light, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(0, _BLUR))))
