"""Key points' outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.base.decode import suppressed
from trizoo.families.base.terms import log_softmax
from trizoo.ground.boxes import around

HALF = 1.0  # pixels of the input: a mark is handed on as the box around it that reaches so far to each side


def decode_keypoints(outputs, stride, placements, *, score, threshold=1.0, max_detections=100, method="hard"):
    """Marks of a batch: the map (B, rows, columns, 3 + C) -> a list of B `Detections`, whose boxes' centres they are.

    A cell's mark is of its likeliest class, the background left out, and stands where the cell's centre and its two
    offsets say. One whose place isn't in the image is none.

    Args:
        outputs: the map alone: x and y in cells, logits of the background and of each class
        stride: pixels per cell
        placements: per image how it was laid on the input (`trizoo.augment.letterbox.Placement`)
        score: the least share of the softmax, in [0, 1]
        threshold, method: of NMS between the boxes about marks; with 1, as in the models' recipes, there is none
        max_detections: of an image
    """
    (cells,) = outputs
    rows, columns = cells.shape[1:3]
    cells = cells.reshape(len(cells), rows * columns, -1)
    finite = np.isfinite(cells).all(axis=-1)
    cells = np.where(finite[..., None], cells, 0)
    shares = np.exp(log_softmax(cells[..., 2:]))[..., 1:]
    labels = shares.argmax(axis=-1)
    scores = np.take_along_axis(shares, labels[..., None], axis=-1)[..., 0]
    y, x = np.divmod(np.arange(rows * columns), columns)
    centres = (np.stack([x, y], axis=1) + 0.5 + cells[..., :2]) * stride
    found = []
    for number, placement in enumerate(placements):
        chosen = np.flatnonzero(finite[number] & (scores[number] >= score))
        middle = centres[number, chosen].astype(np.float32)
        boxes = around(middle, HALF)
        inside = ((middle >= 0) & (middle <= placement.canvas)).all(axis=1)
        options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
        of_image = scores[number, chosen[inside]], labels[number, chosen[inside]]
        found.append(suppressed(boxes[inside], *of_image, placement, **options))
    return found
