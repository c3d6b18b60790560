"""Outlines become pixels."""

import numpy as np

FARTHEST = 1e6  # an outline's coordinates in pixels are below
OFTEN, MOST_PAINTED = 4, 1 << 28  # times that an image may be covered, and pixels that all may: some five seconds
MOST_CROSSED = 1 << 23  # rows, by all edges of an image
_BAND = 1 << 22  # pixels that are worked on at once


class Ink:
    """What may still be drawn on one image, since a few kB of outlines can cover it a thousand times.

    The rectangles around its shapes may have OFTEN times its pixels or MOST_PAINTED, whichever is more, and their edges
    cross MOST_CROSSED rows; drawing goes by bands, within 600 MiB.

    Args:
        size: the image's pixels
    """

    def __init__(self, size):
        self._most = self._pixels = max(OFTEN * size, MOST_PAINTED)
        self._rows = MOST_CROSSED

    def spend(self, pixels, rows=0):
        """ValueError where it is more than there is left."""
        self._pixels -= pixels
        self._rows -= rows
        if self._pixels < 0 or self._rows < 0:
            raise ValueError(f"the shapes of its image cover more than {self._most:,} pixels, which no picture needs")


def paint(canvas, outline, value, ink=None):
    """Writes `value` where a pixel's centre is inside the outline, by the even-odd rule: (H, W), (N, 2) x and y.

    Points are continuous pixels, so (0, 0), (2, 0), (2, 2), (0, 2) covers four pixels; what is outside of the canvas is
    cut off, and what is narrower than a pixel may cover none. Gives whether any pixel was covered.

    Args:
        ink: of the image; ValueError where it runs out
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
    top, bottom = first[crossed > 0].min(), last[crossed > 0].max()
    left, right = (int(side) for side in np.clip((x0.min() - 1, x0.max() + 1), 0, width))
    (ink or Ink(canvas.size)).spend(int(bottom - top) * (right - left), int(crossed.sum()))
    rows, covered = max(1, _BAND // max(right - left, 1)), False
    for begin in range(top, bottom, rows):
        end = min(begin + rows, bottom)
        here = slice(None) if rows >= bottom - top else (first < end) & (last > begin)
        edges = [values[here] for values in (x0, y0, x1, y1)]
        spans = np.clip(first[here], begin, end), np.clip(last[here], begin, end)
        covered |= _paint_rows(canvas, edges, spans, value)
    return covered


def _paint_rows(canvas, edges, spans, value):
    """As `paint`, for the rows that each of the edges x0, y0, x1, y1 crosses: from, up to."""
    width = canvas.shape[1]
    x0, y0, x1, y1 = edges
    first, last = spans
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


def put(canvas, pixels, corner, value, ink=None):
    """Writes `value` where `pixels`, bool (h, w), are set, from a corner (left, top) on; the canvas cuts them off.

    Args:
        ink: of the image; ValueError where it runs out
    """
    (ink or Ink(canvas.size)).spend(pixels.size)
    left, top = corner
    window = canvas[max(0, top) :, max(0, left) :]
    pixels = pixels[max(0, -top) :, max(0, -left) :][: window.shape[0], : window.shape[1]]
    window[: pixels.shape[0], : pixels.shape[1]][pixels] = value
