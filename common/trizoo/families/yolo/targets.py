"""YOLO targets: which prediction is assigned to which box."""

import numpy as np

from trizoo.families.base.padding import in_a_row, padded, places
from trizoo.families.yolo.grid import cells_per_head
from trizoo.ground.boxes import iou_wh, xyxy_to_cxcywh

SCORE_POWER, IOU_POWER = 0.5, 6.0  # of how well a prediction answers; Feng et al. 2021, as YOLOv8 has them


def assign(boxes, labels, spec, size, match_iou=1.0, match_ratio=None, cells=1, aligned=None):
    """Targets of a batch, padded to M boxes and P positives, powers of two (so that few shapes occur).

    Each box goes to a prediction in the cell that holds its centre: that of the anchor whose width and height fit it
    best (IoU) among those of all heads (Redmon & Farhadi 2018), of every other whose IoU with it is above
    `match_iou` (Darknet's iou_thresh), and of every one whose sides are less than `match_ratio` times the box's and
    more than its share of that (YOLOv5's anchor_t). Anchors that fit alike are all the best: those that two heads of a
    model share are both assigned.

    With 3 `cells` (YOLOv5) the same anchors of the cell beside it, the nearer one of each axis, answer too where they
    can: the centre is within reach of the head's `scale_xy`, half a cell with 2.

    Where two boxes want the same prediction the one whose centre is in the cell gets it, then the better fitting one,
    and of two that fit alike the first. A box without area gets none.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        spec: a YOLOSpec
        size: (width, height) of the input
        match_iou: in [0, 1]; 1: the best anchor alone
        match_ratio: above 1, None: off
        cells: 1 or 3
        aligned: how many of a box's predictions the loss will keep, None: all

    Returns:
        boxes: float32 (B, M, 4), padded with boxes without area
        labels: int32 (B, M), padded with 0
        positives: int32 (B, P), index into the flat predictions (see `yolo_grid`), padded with -1
        owners: int32 (B, P), which of its image's boxes each positive is assigned to, padded with 0
        num_positives: float32 (), how many there are in the batch, as far as the loss keeps them, at least 1; losses
            are divided by it

    Raises:
        ValueError: where labels don't match boxes or classes, and for a size that the strides don't divide
    """
    flat_boxes, flat_labels, counts = in_a_row(boxes, labels, spec.num_classes)
    image, slot = places(counts)

    box, index, fit, beside = _matches(flat_boxes, spec, size, match_iou, match_ratio, cells)
    order = np.lexsort((-fit, beside, index, image[box]))  # by image, prediction, then the best fit first
    same = (np.diff(image[box[order]]) == 0) & (np.diff(index[order]) == 0)
    won = np.ones(len(box), bool)
    won[order[1:][same]] = False
    box, index = box[won], index[won]
    counts_won = np.bincount(image[box], minlength=len(boxes))
    kept = len(box) if aligned is None else np.minimum(np.bincount(box), aligned).sum()

    return {
        "boxes": padded(flat_boxes, counts),
        "labels": padded(flat_labels.astype(np.int32), counts),
        "positives": padded(index.astype(np.int32), counts_won, filler=-1),
        "owners": padded(slot[box].astype(np.int32), counts_won),
        "num_positives": np.float32(max(1, kept)),
    }


def _matches(boxes, spec, size, match_iou, match_ratio, cells):
    """What boxes (n, 4) ask for: of each pair of box and prediction four arrays (pairs,), in the order of the boxes.

    The box and the flat index, int64; how well the anchor fits, float; whether the cell is one beside the box's, bool.
    """
    per_head = np.array(spec.anchors_per_cell)
    head_of_anchor = np.repeat(np.arange(len(per_head)), per_head)
    anchor_in_head = np.concatenate([np.arange(count) for count in per_head])
    strides = np.array(spec.strides)
    columns, rows = cells_per_head(spec, size).T
    starts = np.concatenate([[0], np.cumsum(columns * rows * per_head)[:-1]])

    cxcywh = xyxy_to_cxcywh(boxes)
    anchors = np.concatenate([np.array(of_head) for of_head in spec.anchors])
    fits = iou_wh(cxcywh[:, 2:], anchors)  # (n, anchors of all heads)
    asked = (fits == fits.max(axis=1, keepdims=True)) | (fits > match_iou)
    if match_ratio is not None:
        ratios = cxcywh[:, None, 2:] / anchors
        with np.errstate(divide="ignore"):  # a box without area is left out anyway
            asked |= np.maximum(ratios, 1 / ratios).max(axis=2) < match_ratio
    box, anchor = np.nonzero((fits > 0) & asked)
    head = head_of_anchor[anchor]
    # a centre on the right or bottom border belongs to the last cell
    column = np.clip((cxcywh[box, 0] // strides[head]).astype(np.int64), 0, columns[head] - 1)
    row = np.clip((cxcywh[box, 1] // strides[head]).astype(np.int64), 0, rows[head] - 1)
    beside = np.zeros(len(box), bool)
    if cells == 3:
        place = cxcywh[box, :2] / strides[head][:, None] - np.stack([column, row], axis=1)  # in the cell, from 0 to 1
        step = np.where(place < 0.5, -1, 1)
        reached = np.abs(place - 0.5) + np.array(spec.scale_xy)[head][:, None] / 2 > 1
        columns_there, rows_there = column + step[:, 0], row + step[:, 1]
        across = np.flatnonzero(reached[:, 0] & (columns_there >= 0) & (columns_there < columns[head]))
        down = np.flatnonzero(reached[:, 1] & (rows_there >= 0) & (rows_there < rows[head]))
        column = np.concatenate([column, columns_there[across], column[down]])
        row = np.concatenate([row, row[across], rows_there[down]])
        pairs = np.concatenate([np.arange(len(box)), across, down])
        beside = np.arange(len(pairs)) >= len(box)
        box, anchor, head = box[pairs], anchor[pairs], head[pairs]
    index = starts[head] + (row * columns[head] + column) * per_head[head] + anchor_in_head[anchor]
    order = np.lexsort((index, box))
    box, index, anchor, beside = box[order], index[order], anchor[order], beside[order]
    return box, index, fits[box, anchor], beside
