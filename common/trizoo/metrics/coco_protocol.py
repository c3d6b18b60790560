"""Average precision and recall as COCO defines them: pycocotools' COCOeval of boxes, for all images at once."""

import numpy as np

from trizoo.metrics.matching import match_coco, rank_in_group
from trizoo.metrics.pool import gather, mean_over_classes, overlapping_pairs

# The values and the linspaces are those of pycocotools' Params: another way to write 0.3 moves a recall by one point.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}
MAX_DETECTIONS = (1, 10, 100)
FALSE_POSITIVE, NOT_COUNTED = -1, -2  # instead of the ground truth that a detection finds


def coco(detections, truths, num_classes, max_detections=MAX_DETECTIONS):
    """COCO's twelve numbers, equal to pycocotools', and AP by class.

    A crowd can be found by any number of detections, by the share of the detection that lies in it, and is ignored, as
    are the detections that find it. A difficult ground truth is ignored like one that isn't in the area range: found
    once, by IoU. The area is the box's, with both limits included; pycocotools takes the annotation's `area`, which is
    the mask's in COCO's own files, so there the numbers by area differ.

    Args:
        max_detections: how many detections per image *and class* count; AP and the recalls by area use the largest

    Returns:
        {"AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR_1", "AR_10", "AR_100", "AR_small", "AR_medium",
        "AR_large": floats in [0, 1], nan for a mean over nothing;
        "per_class": {"AP", "AP50", "AP75": float64 (C,)}, nan for a class without counted ground truth;
        "precision": float64 (T, R, C, A) at 10 IoU thresholds, 101 recalls, the classes, the areas of AREAS;
        "recall": float64 (T, C, A, M), the greatest at each of max_detections;
        "outcome": int32 (D, T), the ground truth that each of the pool's detections finds, or FALSE_POSITIVE, or
        NOT_COUNTED where COCO ignores it}

    Raises:
        ValueError: as `pool.gather` does, and for an empty or not positive `max_detections`
    """
    pool = gather(detections, truths, num_classes)
    return coco_of(pool, overlapping_pairs(pool, IOU_THRESHOLDS[0]), max_detections)


def coco_of(pool, pairs, max_detections=MAX_DETECTIONS):
    """`coco` from a Pool.

    Args:
        pairs: the pool's, of one class with an overlap of 0.5 and more
        max_detections: see `coco`
    """
    max_detections = sorted(max_detections)
    if not max_detections or max_detections[0] < 1:
        raise ValueError(f"max_detections is {max_detections}; one or more positive numbers are needed")
    precision, recall, outcome = _precision_and_recall(pool, pairs, max_detections)
    result = {
        "AP": mean_over_classes(precision[..., 0].ravel()),
        "AP50": mean_over_classes(precision[0, ..., 0].ravel()),
        "AP75": mean_over_classes(precision[5, ..., 0].ravel()),
    }
    for index, name in enumerate(AREAS):
        if name != "all":
            result[f"AP_{name}"] = mean_over_classes(precision[..., index].ravel())
    for index, limit in enumerate(max_detections):
        result[f"AR_{limit}"] = mean_over_classes(recall[..., 0, index].ravel())
    for index, name in enumerate(AREAS):
        if name != "all":
            result[f"AR_{name}"] = mean_over_classes(recall[..., index, -1].ravel())
    by_class = precision[..., 0].mean(axis=1)  # (T, R, C) -> (T, C)
    result["per_class"] = {"AP": by_class.mean(axis=0), "AP50": by_class[0], "AP75": by_class[5]}
    result |= {"precision": precision, "recall": recall, "outcome": outcome}
    return result


def _precision_and_recall(pool, pairs, max_detections):
    """Precision (T, R, C, A) and recall (T, C, A, M), nan where a class has no counted ground truth in an area.

    And the outcome (D, T) of `coco`.
    """
    shape = len(IOU_THRESHOLDS), pool.num_classes, len(AREAS)
    precision = np.full((shape[0], len(RECALLS), *shape[1:]), np.nan)
    recall = np.full((*shape, len(max_detections)), np.nan)

    rank = rank_in_group(pool.groups)
    counts = rank < max_detections[-1]
    inside = _in_areas(pool.boxes) & counts[:, None]  # (D, A)
    wanted = _in_areas(pool.truth_boxes) & pool.counted[:, None]  # (G, A)
    candidates, matched = match_coco(pool, pairs.where(counts[pairs.detection]), IOU_THRESHOLDS, ~wanted)
    hit = matched >= 0
    true = hit & wanted[matched, np.arange(len(AREAS))]  # (K, T, A)
    # A detection that finds nothing is a false positive where its own area is in range.
    false = ~hit & inside[candidates][:, None]
    limits = np.searchsorted(candidates, pool.bounds)
    for label in range(pool.num_classes):
        positives = np.count_nonzero(wanted[pool.truth_labels == label], axis=0)  # (A,)
        measured = np.flatnonzero(positives)
        if not len(measured):
            continue
        part = slice(limits[label], limits[label + 1])
        begin, end = pool.bounds[label], pool.bounds[label + 1]
        # False positives among all detections so far: those without any candidate count the same at every threshold.
        elsewhere = inside[begin:end].copy()
        elsewhere[candidates[part] - begin] = False
        before = np.cumsum(elsewhere, axis=0, dtype=np.int32)[candidates[part] - begin]  # (K, A)
        tp = np.cumsum(true[part], axis=0, dtype=np.int32)  # (K, T, A)
        fp = np.cumsum(false[part], axis=0, dtype=np.int32) + before[:, None]
        # Between two candidates precision only falls, so the candidates alone give its envelope.
        best_from_here = np.maximum.accumulate((tp / np.maximum(tp + fp, 1))[::-1], axis=0)[::-1]
        end_of_list = np.zeros((1, *best_from_here.shape[1:]))
        best_from_here = np.concatenate([best_from_here, end_of_list])
        for area_index in measured:
            reached = tp[..., area_index] / positives[area_index]  # (K, T)
            for threshold in range(shape[0]):
                index = np.searchsorted(reached[:, threshold], RECALLS)
                precision[threshold, :, label, area_index] = best_from_here[index, threshold, area_index]
        ranks = rank[candidates[part]]
        for index, limit in enumerate(max_detections):
            found = np.count_nonzero(true[part][ranks < limit], axis=0)  # (T, A)
            recall[:, label, measured, index] = found[:, measured] / positives[measured]
    outcome = np.repeat(np.where(inside[:, 0], np.int32(FALSE_POSITIVE), np.int32(NOT_COUNTED))[:, None], shape[0], 1)
    ours = matched[..., 0]
    outcome[candidates] = np.where(true[..., 0], ours, np.where(ours >= 0, NOT_COUNTED, outcome[candidates]))
    return precision, recall, outcome


def _in_areas(boxes):
    """Whether each box is in each of AREAS: (N, 4) -> bool (N, A).

    The area is width times height whatever their signs, as pycocotools has it: a box with xmin > xmax or ymin > ymax
    has a negative one and is in none of AREAS, so as a detection it is ignored.
    """
    low, high = np.array(list(AREAS.values())).T
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)[:, None]
    return (areas >= low) & (areas <= high)
