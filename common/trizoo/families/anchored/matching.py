"""What SSD's and RetinaNet's targets have in common: boxes against anchors, and the arrays a loss is given."""

import numpy as np

from trizoo.families.base.padding import in_a_row, padded
from trizoo.ground.boxes import area

NEGATIVE = -1  # an anchor that is background
IGNORED = -2  # an anchor that classification leaves out


def targets_of(boxes, labels, grid, num_classes, match):
    """Targets of a batch, padded to M boxes, a power of two (so that few shapes occur).

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        grid: AnchorGrid of N anchors
        num_classes: without a background
        match: boxes float32 (n, 4) and their IoU with the anchors, float32 (n, N), to the anchors' matches, int (N,);
            it's called for images with boxes only

    Returns:
        boxes: float32 (B, M, 4), padded with boxes without area
        labels: int32 (B, M), padded with 0
        matches: int32 (B, N), which of its image's boxes each anchor is assigned to, or NEGATIVE or IGNORED
        num_positives: float32 (), how many anchors of the batch have a box, at least 1; losses are divided by it

    Raises:
        ValueError: where labels don't match boxes or classes
    """
    flat_boxes, flat_labels, counts = in_a_row(boxes, labels, num_classes)
    targets = {
        "boxes": padded(flat_boxes, counts),
        "labels": padded(flat_labels.astype(np.int32), counts),
        "matches": np.full((len(boxes), len(grid.boxes)), NEGATIVE, np.int32),
    }
    for image, count in enumerate(counts):
        if count:
            of_image = targets["boxes"][image, :count]
            targets["matches"][image] = match(of_image, iou_with_anchors(of_image, grid.boxes))
    targets["num_positives"] = np.float32(max(1, (targets["matches"] >= 0).sum()))
    return targets


def iou_with_anchors(boxes, anchors):
    """IoU of few boxes and many anchors, several times as fast as `ground.boxes.iou`: (n, 4), (N, 4) -> (n, N)."""
    left, top, right, bottom = np.ascontiguousarray(anchors.T)
    xmin, ymin, xmax, ymax = boxes.T[..., None]
    width = np.minimum(right, xmax) - np.maximum(left, xmin)
    height = np.minimum(bottom, ymax) - np.maximum(top, ymin)
    intersection = np.maximum(width, 0) * np.maximum(height, 0)
    union = area(boxes)[:, None] + (right - left) * (bottom - top) - intersection
    return intersection / union  # an anchor has an area, so the union has
