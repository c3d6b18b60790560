"""Outlines become pixels."""

import numpy as np

FARTHEST = 1e6  # an outline's coordinates in pixels are below


def paint(canvas, outline, value):
    """Writes `value` where a pixel's centre is inside the outline, by the even-odd rule: (H, W), (N, 2) x and y.

    Points are continuous pixels, so (0, 0), (2, 0), (2, 2), (0, 2) covers four pixels; what is outside of the canvas is
    cut off, and what is narrower than a pixel may cover none. Gives whether any pixel was covered.
    """
    height, width = canvas.shape
    x0, y0 = np.asarray(outline, np.float64).reshape(-1, 2).T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    # rows whose centre y + 0.5 is in [low, high): an end point counts for one of its two edges
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(int)
    last = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(int)
    crossed = last - first
    if not crossed.any():
        return False
    edge = np.repeat(np.arange(len(x0)), crossed)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    x = x0[edge] + (row + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
    top, left = row.min(), column.min()
    shape = row.max() + 1 - top, column.max() + 1 - left
    crossings = np.bincount((row - top) * shape[1] + column - left, minlength=shape[0] * shape[1]).reshape(shape)
    inside = np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1
    canvas[top : top + shape[0], left : left + shape[1] - 1][inside] = value
    return bool(inside.any())


def put(canvas, pixels, corner, value):
    """Writes `value` where `pixels`, bool (h, w), are set, from a corner (left, top) on; the canvas cuts them off."""
    left, top = corner
    window = canvas[max(0, top) :, max(0, left) :]
    pixels = pixels[max(0, -top) :, max(0, -left) :][: window.shape[0], : window.shape[1]]
    window[: pixels.shape[0], : pixels.shape[1]][pixels] = value
