"""Boxes: formats, the IoU family, clipping and non-maximum suppression, in NumPy.

A box is `xmin, ymin, xmax, ymax` in continuous pixels unless a name ends with another order.
"""

import math

import numpy as np

from trizoo.ground.conventions import NMS_METHODS

LEAST_SIDE = 1e-9  # pixels, of what a cost divides by: the squares of smaller sides would vanish in float32
SHAPE_POWER = 4  # SIoU's theta, from 2 to 6 and near 4 (Gevorgyan 2022, section 2.3)
IOU_KINDS = ("iou", "giou", "diou", "ciou", "siou", "eiou")
VOTE_SIGMA = 0.1  # of `voted`; chosen in docs/ablations.md between 0.025 and 0.2 (He et al. 2019 have 0.02)
_BLOCK = 128  # boxes that NMS compares at once


def as_boxes(boxes, name="boxes"):
    """The array, checked to be boxes: (..., 4), floating. Raises ValueError with the shape received otherwise."""
    boxes = np.asarray(boxes)
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError(f"{name} has shape {boxes.shape}; an array (..., 4) of xmin, ymin, xmax, ymax is needed")
    if boxes.dtype.kind != "f":
        boxes = boxes.astype(np.float32)
    return boxes


def xyxy_to_cxcywh(boxes):
    """Corners to centre and size: (..., 4) -> (..., 4)."""
    boxes = as_boxes(boxes)
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def cxcywh_to_xyxy(boxes):
    """Centre and size to corners: (..., 4) -> (..., 4). The inverse of `xyxy_to_cxcywh`."""
    boxes = as_boxes(boxes)
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def centres(boxes):
    """The middles of corners: (..., 4) -> (..., 2), x and y."""
    boxes = as_boxes(boxes)
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def around(points, half):
    """Corners of the boxes that reach `half` to each side of points: (..., 2) -> (..., 4)."""
    return np.concatenate([points - half, points + half], axis=-1)


def xyxy_to_xywh(boxes):
    """Corners to COCO's order, top-left corner and size: (..., 4) -> (..., 4)."""
    boxes = as_boxes(boxes)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def xywh_to_xyxy(boxes):
    """Top-left corner and size to corners: (..., 4) -> (..., 4). The inverse of `xyxy_to_xywh`."""
    boxes = as_boxes(boxes)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def area(boxes):
    """Area in square pixels: (..., 4) -> (...). A box whose corners are swapped has area 0."""
    boxes = as_boxes(boxes)
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def clip(boxes, width, height):
    """The part of each box that lies in an image of this size: (..., 4) -> (..., 4)."""
    boxes = as_boxes(boxes)
    return np.clip(boxes, 0, np.array([width, height, width, height], dtype=boxes.dtype))


def overlap(a, b, kind="iou"):
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...).

    iou in [0, 1]; giou (Rezatofighi et al. 2019) and diou (Zheng et al. 2020) in [-1, 1]; ciou (Zheng et al. 2020) is
    diou less a penalty on the aspect ratio, in [-2, 1]; siou (Gevorgyan 2022) is iou less `shape_and_distance_cost`, in
    [-1.03, 1]; eiou (Zhang et al. 2021, without the focal weight that they add) is diou less the squared differences of
    width and of height, each divided by the square of that side of the smallest box around both, in [-3, 1]. A box
    without area has IoU 0 with everything. Computed in the wider of the two dtypes. Raises ValueError for an unknown
    kind.
    """
    if kind not in IOU_KINDS:
        raise ValueError(f"unknown kind of overlap {kind!r}; one of {', '.join(IOU_KINDS)} is needed")
    a, b = as_boxes(a, "a"), as_boxes(b, "b")
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    sides = np.maximum(sides, 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = area(a) + area(b) - intersection
    iou = _ratio(intersection, union)
    if kind == "iou":
        return iou
    hull = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull_area = hull[..., 0] * hull[..., 1]
        return iou - _ratio(hull_area - union, hull_area)
    wh_a, wh_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    if kind == "siou":
        return iou - shape_and_distance_cost(wh_a, wh_b, offset, hull)
    diou = iou - _ratio((offset**2).sum(-1), (hull**2).sum(-1))
    if kind == "diou":
        return diou
    if kind == "eiou":
        return diou - (((wh_a - wh_b) / np.maximum(hull, LEAST_SIDE)) ** 2).sum(-1)
    v = aspect_penalty(a, b)
    return diou - _ratio(v, 1 - iou + v) * v


def aspect_penalty(a, b):
    """CIoU's v: the squared difference of the boxes' aspect angles, (..., 4), (..., 4) -> (...) in [0, 1]."""
    a, b = as_boxes(a, "a"), as_boxes(b, "b")
    wh_a, wh_b = (np.maximum(boxes[..., 2:] - boxes[..., :2], LEAST_SIDE) for boxes in (a, b))
    angle = np.arctan2(wh_a[..., 0], wh_a[..., 1]) - np.arctan2(wh_b[..., 0], wh_b[..., 1])
    return 4 / math.pi**2 * angle**2


def shape_and_distance_cost(wh_a, wh_b, offset, hull):
    """SIoU's two costs (Gevorgyan 2022), their sum halved as there: four of (..., 2) -> (...) in [0, 1.03].

        distance  sum over x and y of 1 - exp(-(2 - angle) (offset / hull)^2), where angle is sin(2 alpha), alpha being
                  the angle between offset and x axis: the paper's 1 - 2 sin^2(alpha - pi / 4)
        shape     sum over width and height of (1 - exp(-|difference| / the greater))^4

    Args:
        wh_a, wh_b: the boxes' sides
        offset: from centre to centre
        hull: sides of the smallest box around both; x first
    """
    angle = 2 * np.abs(offset[..., 0] * offset[..., 1]) / np.maximum((offset**2).sum(-1), LEAST_SIDE**2)
    distance = 1 - np.exp((angle - 2)[..., None] * (offset / np.maximum(hull, LEAST_SIDE)) ** 2)
    wh_a, wh_b = np.maximum(wh_a, LEAST_SIDE), np.maximum(wh_b, LEAST_SIDE)
    shape = (1 - np.exp(-np.abs(wh_a - wh_b) / np.maximum(wh_a, wh_b))) ** SHAPE_POWER
    return (distance + shape).sum(-1) / 2


def iou(a, b):
    """Intersection over union of every pair: (N, 4), (M, 4) -> (N, M) in [0, 1].

    A box without area has IoU 0 with everything. Raises ValueError where an array isn't (..., 4).
    """
    return overlap(as_boxes(a, "a")[:, None], as_boxes(b, "b")[None])


def iou_wh(a, b):
    """IoU of every pair of sizes laid on a common centre: (N, 2), (M, 2) of width, height -> (N, M) in [0, 1]."""
    a, b = np.asarray(a), np.asarray(b)
    intersection = np.minimum(a[:, None, 0], b[None, :, 0]) * np.minimum(a[:, None, 1], b[None, :, 1])
    union = (a[:, 0] * a[:, 1])[:, None] + (b[:, 0] * b[:, 1])[None] - intersection
    return _ratio(intersection, union)


def nms(boxes, scores, labels=None, *, threshold=0.5, method="hard", sigma=0.5, min_score=0.0, max_detections=None):
    """Non-maximum suppression: (N, 4), (N,), (N,) or None -> kept indices (K,) and their scores (K,), highest first.

    With `labels` only boxes of one class suppress each other; without, all do. `hard` drops boxes whose IoU with a
    better one is above `threshold`; `diou` uses DIoU instead, so that neighbours with distant centres stay (Zheng et
    al. 2020); `soft` multiplies their scores by exp(-IoU^2 / sigma) and drops those that fall below `min_score`
    (Bodla et al. 2017), `threshold` plays no part; `vote` drops as `hard` does, and what is left is moved by `voted`.
    Equal scores keep their order in the input. A score that is nan is never kept. Raises ValueError for an unknown
    method or arrays of different lengths.
    """
    if method not in NMS_METHODS:
        raise ValueError(f"unknown NMS method {method!r}; one of {', '.join(NMS_METHODS)} is needed")
    boxes = as_boxes(boxes).reshape(-1, 4)
    scores = np.array(scores, dtype=np.float32)
    labels = np.zeros(len(boxes), np.int64) if labels is None else np.asarray(labels)
    if not len(boxes) == len(scores) == len(labels):
        raise ValueError(f"{len(boxes)} boxes, {len(scores)} scores, {len(labels)} labels; as many of each are needed")
    limit = len(boxes) if max_detections is None else max_detections
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= min_score]
    if method in ("hard", "vote") and threshold >= 1:  # which no IoU is above
        kept = order[:limit]
    elif method == "soft":
        kept = _soft(boxes, scores, labels, order, sigma, min_score, limit)
    else:
        kept = order[_greedy(boxes[order], labels[order], threshold, "diou" if method == "diou" else "iou", limit)]
    return kept, scores[kept]


def voted(boxes, scores, labels, kept):
    """Where the kept boxes lie by the vote of all: (N, 4), (N,), (N,), their indices (K,) -> (K, 4).

    Each becomes the mean of the boxes of its class that overlap it, itself among them, each by its score times
    exp(-(1 - IoU)^2 / VOTE_SIGMA): box voting (Gidaris & Komodakis 2015, section 5) by the nearness of variance voting
    (He et al. 2019, section 3.3), without its variances. A score that isn't above 0 has no vote.
    """
    boxes, labels = as_boxes(boxes), np.asarray(labels)
    votes = np.where(np.asarray(scores) > 0, scores, 0).astype(np.float64)
    moved = boxes[kept]
    for start in range(0, len(kept), _BLOCK):
        block = kept[start : start + _BLOCK]
        overlaps = overlap(boxes[block][:, None].astype(np.float64), boxes)  # (k, N)
        weights = votes * np.exp(-((1 - overlaps) ** 2) / VOTE_SIGMA)
        weights *= (overlaps > 0) & (labels[block][:, None] == labels)
        total = weights.sum(axis=1, keepdims=True)
        some = total[:, 0] > 0  # a box without area overlaps nothing, and stays
        moved[start : start + _BLOCK][some] = weights[some] @ boxes / total[some]
    return moved


def _greedy(boxes, labels, threshold, kind, limit):
    """Which of the boxes, best first, no better kept one of their label overlaps too much: (N, 4), (N,) -> (K,).

    A block at a time, so that few arrays are made and those beyond the limit cost nothing.
    """

    def clashes(a, b):
        return (labels[a][:, None] == labels[b]) & (overlap(boxes[a][:, None], boxes[b], kind) > threshold)

    kept = np.zeros(0, np.int64)
    for start in range(0, len(boxes), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(boxes)))
        block = block[~clashes(kept, block).any(axis=0)]
        within = clashes(block, block)
        alive = np.ones(len(block), bool)
        for place in range(len(block)):
            if alive[place]:
                alive[place + 1 :] &= ~within[place, place + 1 :]
        kept = np.concatenate([kept, block[alive]])
        if len(kept) >= limit:
            break
    return kept[:limit]


def _soft(boxes, scores, labels, candidates, sigma, min_score, limit):
    """Kept indices of soft NMS, best first; `scores` is changed in place."""
    least = max(min_score, np.finfo(np.float32).tiny)
    kept = []
    while len(candidates) and len(kept) < limit:
        best, rest = candidates[0], candidates[1:]
        kept.append(best)
        decay = np.exp(-(overlap(boxes[best], boxes[rest]) ** 2) / sigma)
        scores[rest] *= np.where(labels[rest] == labels[best], decay, 1)
        rest = rest[scores[rest] >= least]
        candidates = rest[np.lexsort((rest, -scores[rest]))]
    return np.array(kept, dtype=np.int64)


def _ratio(numerator, denominator):
    """numerator / denominator, and 0 where the denominator is 0."""
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, 0)
