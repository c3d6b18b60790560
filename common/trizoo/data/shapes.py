"""Shapes and textures, drawn pixel by pixel with NumPy from a random stream."""

import colorsys
import math

import numpy as np
from PIL import Image

MARKER = "synthetic.json"  # in a data set that the zoo drew: the parameters it was drawn with


def _convex_corners(corners, needed, distance):
    """Inside at least `needed` of `corners` half-planes at this distance: a polygon, or with one less a star."""
    angles = 2 * math.pi * np.arange(corners) / corners
    normals = np.round(np.stack([np.cos(angles), np.sin(angles)]), 6)

    def inside(u, v):
        sides = u[..., None] * normals[0] + v[..., None] * normals[1]
        return (sides <= distance).sum(-1) >= needed

    return inside


# Name -> which points (u, v) of the unit disc belong to it
SHAPES = {
    "circle": lambda u, v: u * u + v * v <= 1,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 0.7071,
    "triangle": _convex_corners(3, needed=3, distance=0.5),
    "star": _convex_corners(5, needed=4, distance=0.309),  # cos(72 degrees): the pentagram of the unit circle
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) <= 0.3) & (np.maximum(abs(u), abs(v)) <= 0.95),
    "ring": lambda u, v: (u * u + v * v <= 1) & (u * u + v * v >= 0.25),
    "bar": lambda u, v: (abs(u) <= 0.95) & (abs(v) <= 0.3),
    "half": lambda u, v: (u * u + v * v <= 1) & (v >= 0),
}


def shapes_of(classes):
    """The shape of each class."""
    others = iter([shape for shape in SHAPES if shape not in classes])
    return [name if name in SHAPES else next(others) for name in classes]


def covered(shape, radius, centre, degrees, size):
    """The pixels that a turned shape covers: where their window begins (top, left), bool (h, w), and a count.

    The window ends at the image's edges; the count is of all pixels, also of those beyond the edges. A pixel belongs to
    the shape when its centre does.

    Args:
        radius: in pixels
        centre: (x, y) in pixels
        size: (width, height) of the image
    """
    left, top = (math.floor(c - radius) for c in centre)
    right, bottom = (math.ceil(c + radius) for c in centre)
    x = np.arange(left, right)[None] + 0.5 - centre[0]
    y = np.arange(top, bottom)[:, None] + 0.5 - centre[1]
    # Rounded, so that machines whose sine differs in the last digit draw the same
    cos, sin = round(math.cos(math.radians(degrees)), 6), round(math.sin(math.radians(degrees)), 6)
    full = SHAPES[shape]((x * cos + y * sin) / radius, (y * cos - x * sin) / radius)
    inner = full[max(-top, 0) : size[1] - top, max(-left, 0) : size[0] - left]
    return (max(top, 0), max(left, 0)), inner, int(full.sum())


def ground(random, size):
    """A textured ground: smooth blotches around a random colour, and noise; int16 (H, W, 3)."""
    width, height = size
    colour = random.randint(50, 206, 3)
    cells = random.randint(3, 13)
    blotches = colour + random.randint(-40, 41, (cells, cells, 1)) + random.randint(-12, 13, (cells, cells, 3))
    smooth = Image.fromarray(np.clip(blotches, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    strength = random.randint(2, 16)
    noise = random.randint(0, 256, (height, width, 1), np.uint8).astype(np.int16) * strength // 256 - strength // 2
    return np.asarray(smooth, np.int16) + noise


def fill(random, count, behind, hues=(0.0, 1.0)):
    """Colours for `count` pixels of one shape: noise around a colour far from the one behind it (3,); (count, 3).

    Args:
        hues: range of the colour's hue, where 0 and 1 are red
    """
    shares = random.random_sample((6, 3))
    hue = hues[0] + (hues[1] - hues[0]) * shares[:, 0]
    saturation, value = 0.5 + 0.5 * shares[:, 1], 0.3 + 0.7 * shares[:, 2]
    colours = map(colorsys.hsv_to_rgb, hue % 1, saturation, value)
    candidates = np.array([[round(255 * channel) for channel in colour] for colour in colours])
    colour = candidates[abs(candidates - behind).sum(1).argmax()]
    strength = random.randint(4, 40)
    noise = random.randint(0, 256, (count, 1), np.uint8).astype(np.int16) * strength // 256 - strength // 2
    return colour + noise


def draw_turned(pixels, random, shape, radius, centre, size):
    """Draws a shape into pixels, in a colour that its ground hasn't, turned at random. See `covered`."""
    (top, left), inside, _ = covered(shape, radius, centre, random.randint(360), size)
    window = np.s_[top : top + inside.shape[0], left : left + inside.shape[1]]
    if inside.any():
        behind = pixels[window][inside].mean(0).round()
        pixels[window][inside] = fill(random, int(inside.sum()), behind)
