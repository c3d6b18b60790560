"""Strips with marks of one size, drawn from a seed: what key point models are tried with."""

import numpy as np
from PIL import Image, ImageFilter

from trizoo.data.shapes import draw_turned, ground, shapes_of

SIDE = 30  # pixels of a mark's box
_MOST_MARKS, _APART, _ATTEMPTS = 8, 48, 20  # of a strip; pixels from centre to centre; places tried for each
_MOST_OTHERS = 12  # lines and blots that are no marks
_OTHERS = ("bar", "half", "triangle", "star")
_DEGREES, _CONTRAST, _BRIGHTNESS, _BLUR, _NOISE = 3.0, (0.6, 1.4), 40, 1.5, 12  # of the changed set, at most


def draw_strip(index, size, classes, seed, changed=False):
    """Strip `index` of a data set: uint8 (H, W, 3) RGB, and its marks.

    A mark is a shape of 30 pixels, the class says which, in any colour and turned at random, on a textured ground among
    lines and blots; about one strip in eight has none.

    Args:
        size: (width, height)
        classes: names of shapes, see `trizoo.data.shapes.SHAPES`; others get the remaining ones in order
        changed: with another brightness and contrast, blurred, noisy and turned by up to 3 degrees

    Returns:
        the pixels, and a list of (label, xmin, ymin, xmax, ymax, False), whose centres are the marks
    """
    random = np.random.RandomState([seed, index, 1])
    shapes, pixels = shapes_of(classes), ground(random, size)
    for _ in range(random.randint(0, _MOST_OTHERS + 1)):
        radius = random.randint(4, 40)
        shape = _OTHERS[random.randint(2 if radius > 12 else len(_OTHERS))]
        draw_turned(pixels, random, shape, radius, _place(random, size, 0), size)
    places, labels = [], []
    for _ in range(random.randint(0, _MOST_MARKS + 1)):
        for _ in range(_ATTEMPTS):
            place = _place(random, size, SIDE // 2 + 1)
            if all(np.hypot(*np.subtract(place, other)) >= _APART for other in places):
                break
        else:
            continue
        labels.append(random.randint(len(classes)))
        draw_turned(pixels, random, shapes[labels[-1]], SIDE / 2, place, size)
        places.append(place)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    places = np.array(places, np.float64).reshape(-1, 2)
    if changed:
        pixels, places = _changed(pixels, places, random)
    inside = ((places >= SIDE // 2) & (places <= np.array(size) - SIDE // 2)).all(axis=1)
    corners = np.concatenate([places - SIDE // 2, places + SIDE // 2], axis=1).round().astype(int)
    marks = zip(np.array(labels, int)[inside].tolist(), corners[inside].tolist(), strict=True)
    return pixels, [(label, *box, False) for label, box in marks]


def _place(random, size, margin):
    """A whole pixel that is so far from the borders: (x, y)."""
    return tuple(int(random.randint(margin, side - margin + 1)) for side in size)


def _changed(pixels, places, random):
    """The same as another camera on another day sees it: pixels, and where the marks are then."""
    degrees = random.uniform(-_DEGREES, _DEGREES)
    image = Image.fromarray(pixels).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=tuple(pixels[0, 0].tolist()))
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(0, _BLUR)))
    contrast, brightness = random.uniform(*_CONTRAST), random.randint(-_BRIGHTNESS, _BRIGHTNESS + 1)
    noise = random.normal(0, random.uniform(0, _NOISE), pixels.shape)
    values = (np.asarray(image, np.float64) - 128) * contrast + 128 + brightness + noise
    centre, angle = np.array([image.width / 2, image.height / 2]), np.deg2rad(-degrees)  # y points down
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.clip(values, 0, 255).astype(np.uint8), (places - centre) @ turn.T + centre
