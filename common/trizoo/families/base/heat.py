"""How sure a network is in each cell of its outputs, and a map of the image from it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CellScores:
    """The scores of one level of outputs.

    Args:
        scores: float32 (..., rows, columns) in [0, 1], of a batch or of one image
        first: x and y of the first cell's centre, in pixels of the input
        apart: x and y from one cell's centre to the next
    """

    scores: np.ndarray
    first: tuple[float, float]
    apart: tuple[float, float]

    def of(self, number):
        """Those of one image of a batch."""
        return CellScores(self.scores[number], self.first, self.apart)


def heat_map(levels, placement):
    """The highest score of all levels at each of the image's own pixels: -> float32 (h, w) in [0, 1].

    Between centres of cells it is bilinear, beyond the outermost it stays as it is there.

    Args:
        levels: CellScores of one image
        placement: where the image lies on the input (`trizoo.augment.letterbox.Placement`)
    """
    (width, height), heat = placement.original, 0.0
    for level in levels:
        scores = np.nan_to_num(level.scores, nan=0.0).astype(np.float32)
        x = ((np.arange(width) + 0.5) * placement.scale_x + placement.left - level.first[0]) / level.apart[0]
        y = ((np.arange(height) + 0.5) * placement.scale_y + placement.top - level.first[1]) / level.apart[1]
        heat = np.maximum(heat, _between(_between(scores, y).T, x).T)
    return heat


def _between(rows, places):
    """Rows at places between them, which are cut at both ends: (n, m), (k,) -> (k, m)."""
    places = np.clip(places, 0, len(rows) - 1)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, len(rows) - 1)
    share = (places - below).astype(np.float32)[:, None]
    return rows[below] * (1 - share) + rows[above] * share
