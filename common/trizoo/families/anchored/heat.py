"""SSD's and RetinaNet's scores, cell by cell."""

import numpy as np

from trizoo.families.base.heat import CellScores


def anchor_heat(scores, grid, cells):
    """The best score of each cell's anchors: (B, N) -> a list of CellScores, one a level.

    Args:
        scores: the best class's of each anchor
        grid: the AnchorGrid
        cells: (columns, rows) of each level
    """
    levels = []
    for number, (columns, rows) in enumerate(cells):
        chosen = grid.levels == number
        centres = (grid.boxes[chosen, :2] + grid.boxes[chosen, 2:]) / 2
        centres = centres.reshape(rows, columns, -1, 2).mean(axis=2)
        # of a level of one cell any distance will do
        apart = (centres[-1, -1] - centres[0, 0]) / np.maximum(1, [columns - 1, rows - 1])
        best = scores[:, chosen].reshape(len(scores), rows, columns, -1).max(axis=3)
        levels.append(CellScores(best, tuple(centres[0, 0].tolist()), tuple(np.maximum(1, apart).tolist())))
    return levels
