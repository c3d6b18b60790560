"""Images of one shape each, drawn from a seed: what classification is tried with."""

import numpy as np

from trizoo.data.shapes import draw_turned, ground, shapes_of

_MOST_OTHERS = 6  # specks that are no shape anyone could name
_SMALLEST, _LARGEST = 0.14, 0.38  # radius, share of the image's shorter side


def draw_single(index, label, size, classes, seed):
    """Image `index` of a data set: uint8 (H, W, 3) RGB, with the shape of its class among small specks.

    The shape alone says the class: place, size, angle and colours are random, the ground is textured, so that no pixel
    is of one class rather than another.

    Args:
        size: (width, height)
        classes: names of shapes, see `trizoo.data.shapes.SHAPES`; others get the remaining ones in order
    """
    random = np.random.RandomState([seed, index, 2])
    pixels, shape = ground(random, size), shapes_of(classes)[label]
    for _ in range(random.randint(_MOST_OTHERS + 1)):
        draw_turned(pixels, random, "circle", max(1.0, 0.03 * min(size)), _place(random.random_sample(2) * size), size)
    radius = min(size) * random.uniform(_SMALLEST, _LARGEST)
    centre = radius + random.random_sample(2) * (np.array(size) - 2 * radius)
    draw_turned(pixels, random, shape, round(radius, 3), _place(centre), size)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _place(centre):
    """x and y in thousandths of a pixel."""
    return tuple(centre.round(3).tolist())
