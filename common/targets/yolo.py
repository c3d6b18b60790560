"""YOLO targets: which prediction answers for which box."""

import numpy as np

from common.boxes import iou_wh, xyxy_to_cxcywh
from common.grid import cells_per_head


def assign(boxes, labels, spec, size):
    """Targets of a batch, padded to a common number of boxes M, a power of two (so that few shapes occur).

    boxes: per image float32 (n, 4) in pixels of the input, labels: per image int64 (n,); size: (width, height).

    Each box goes to one prediction: in the cell that holds its centre, the anchor whose width and height fit it best
    (IoU) among those of all heads (Redmon & Farhadi 2018). Where two boxes want the same prediction the better
    fitting one gets it, and of two that fit alike the first. A box without area gets none. Returns
        boxes      float32 (B, M, 4), padded with boxes without area
        labels     int32 (B, M), padded with 0
        positives  int32 (B, M): index into the flat predictions (see common/grid.py), -1 where there is none
        num_positives  float32 (): how many there are in the batch, at least 1; losses are divided by it
    Raises ValueError where labels don't answer to boxes or classes, and for a size that the strides don't divide.
    """
    counts = np.array([len(of_image) for of_image in boxes], dtype=np.int64)
    label_counts = [len(of_image) for of_image in labels]
    if counts.tolist() != label_counts:
        raise ValueError(f"images have {counts.tolist()} boxes and {label_counts} labels; as many of each are needed")
    padded = padded_count(counts.max(initial=0))
    image = np.repeat(np.arange(len(boxes)), counts)
    slot = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    flat_boxes = np.concatenate([np.zeros((0, 4), np.float32), *boxes]).astype(np.float32)
    flat_labels = np.concatenate([np.zeros(0, np.int64), *labels])
    if flat_labels.min(initial=0) < 0 or flat_labels.max(initial=0) >= spec.num_classes:
        least, greatest = flat_labels.min(), flat_labels.max()
        raise ValueError(f"labels reach from {least} to {greatest}; 0 to {spec.num_classes - 1} are the classes")

    index, fit = _best_predictions(flat_boxes, spec, size)
    order = np.lexsort((-fit, index, image))  # by image, prediction, then the best fit first
    same = (np.diff(image[order]) == 0) & (np.diff(index[order]) == 0)
    index[order[1:][same]] = -1

    targets = {
        "boxes": np.zeros((len(boxes), padded, 4), np.float32),
        "labels": np.zeros((len(boxes), padded), np.int32),
        "positives": np.full((len(boxes), padded), -1, np.int32),
        "num_positives": np.float32(max(1, (index >= 0).sum())),
    }
    targets["boxes"][image, slot] = flat_boxes
    targets["labels"][image, slot] = flat_labels
    targets["positives"][image, slot] = index
    return targets


def padded_count(count, least=16):
    """The power of two, at least `least`, that a batch's boxes are padded to."""
    return max(least, 1 << int(max(count, 1) - 1).bit_length())


def _best_predictions(boxes, spec, size):
    """Flat index of each box's prediction (-1: none) and how well its anchor fits: (n, 4) -> int64 (n,), float (n,)."""
    per_head = np.array(spec.anchors_per_cell)
    head_of_anchor = np.repeat(np.arange(len(per_head)), per_head)
    anchor_in_head = np.concatenate([np.arange(count) for count in per_head])
    strides = np.array(spec.strides)
    columns, rows = cells_per_head(spec, size).T
    starts = np.concatenate([[0], np.cumsum(columns * rows * per_head)[:-1]])

    cxcywh = xyxy_to_cxcywh(boxes)
    fits = iou_wh(cxcywh[:, 2:], np.concatenate([np.array(a) for a in spec.anchors]))
    best = fits.argmax(axis=1)
    head = head_of_anchor[best]
    # a centre on the right or bottom border belongs to the last cell
    column = np.clip((cxcywh[:, 0] // strides[head]).astype(np.int64), 0, columns[head] - 1)
    row = np.clip((cxcywh[:, 1] // strides[head]).astype(np.int64), 0, rows[head] - 1)
    index = starts[head] + (row * columns[head] + column) * per_head[head] + anchor_in_head[best]
    fit = fits[np.arange(len(boxes)), best]
    return np.where(fit > 0, index, -1), fit
