"""YOLO targets: which prediction is assigned to which box."""

import numpy as np

from trizoo.families.base.padding import in_a_row, padded, places
from trizoo.families.yolo.grid import cells_per_head
from trizoo.ground.boxes import iou_wh, xyxy_to_cxcywh


def assign(boxes, labels, spec, size, match_iou=1.0):
    """Targets of a batch, padded to M boxes and P positives, powers of two (so that few shapes occur).

    Each box goes to a prediction in the cell that holds its centre: that of the anchor whose width and height fit it
    best (IoU) among those of all heads (Redmon & Farhadi 2018), and of every other whose IoU with it is above
    `match_iou` (Darknet's iou_thresh). Anchors that fit alike are all the best: those that two heads of a model share
    are both assigned. Where two boxes want the same prediction the better fitting one gets it, and of two that fit
    alike the first. A box without area gets none.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        spec: a YOLOSpec
        size: (width, height) of the input
        match_iou: in [0, 1]; 1: the best anchor alone

    Returns:
        boxes: float32 (B, M, 4), padded with boxes without area
        labels: int32 (B, M), padded with 0
        positives: int32 (B, P), index into the flat predictions (see `yolo_grid`), padded with -1
        owners: int32 (B, P), which of its image's boxes each positive is assigned to, padded with 0
        num_positives: float32 (), how many there are in the batch, at least 1; losses are divided by it

    Raises:
        ValueError: where labels don't match boxes or classes, and for a size that the strides don't divide
    """
    flat_boxes, flat_labels, counts = in_a_row(boxes, labels, spec.num_classes)
    image, slot = places(counts)

    box, index, fit = _matches(flat_boxes, spec, size, match_iou)
    order = np.lexsort((-fit, index, image[box]))  # by image, prediction, then the best fit first
    same = (np.diff(image[box[order]]) == 0) & (np.diff(index[order]) == 0)
    won = np.ones(len(box), bool)
    won[order[1:][same]] = False
    box, index = box[won], index[won]
    counts_won = np.bincount(image[box], minlength=len(boxes))

    return {
        "boxes": padded(flat_boxes, counts),
        "labels": padded(flat_labels.astype(np.int32), counts),
        "positives": padded(index.astype(np.int32), counts_won, filler=-1),
        "owners": padded(slot[box].astype(np.int32), counts_won),
        "num_positives": np.float32(max(1, len(box))),
    }


def _matches(boxes, spec, size, match_iou):
    """What boxes (n, 4) ask for: of each pair of box and prediction the box, the flat index, how well the anchor fits.

    int64 (pairs,), int64 (pairs,), float (pairs,); in the order of the boxes.
    """
    per_head = np.array(spec.anchors_per_cell)
    head_of_anchor = np.repeat(np.arange(len(per_head)), per_head)
    anchor_in_head = np.concatenate([np.arange(count) for count in per_head])
    strides = np.array(spec.strides)
    columns, rows = cells_per_head(spec, size).T
    starts = np.concatenate([[0], np.cumsum(columns * rows * per_head)[:-1]])

    cxcywh = xyxy_to_cxcywh(boxes)
    fits = iou_wh(cxcywh[:, 2:], np.concatenate([np.array(a) for a in spec.anchors]))  # (n, anchors of all heads)
    best = fits == fits.max(axis=1, keepdims=True)
    box, anchor = np.nonzero((fits > 0) & (best | (fits > match_iou)))
    head = head_of_anchor[anchor]
    # a centre on the right or bottom border belongs to the last cell
    column = np.clip((cxcywh[box, 0] // strides[head]).astype(np.int64), 0, columns[head] - 1)
    row = np.clip((cxcywh[box, 1] // strides[head]).astype(np.int64), 0, rows[head] - 1)
    index = starts[head] + (row * columns[head] + column) * per_head[head] + anchor_in_head[anchor]
    return box, index, fits[box, anchor]
