"""Detections as COCO's results, a JSON file that pycocotools' `loadRes` reads."""

import json

import numpy as np

from trizoo.ground.boxes import as_boxes
from trizoo.ground.files import write_atomically


def coco_results(found, records, classes, numbers=None):
    """One {"image_id", "category_id", "bbox": [x, y, width, height] in pixels, "score"} a detection -> list.

    Args:
        found: a `Detections` of each record
        classes: names in the order of the labels
        numbers: a `trizoo.data.boxes.coco.Numbers`, whose ids are written; detections of classes that its file lacks
            are left out. None: the sorted records' ids are numbered from 1, and the classes from 1
    """
    if numbers is None:
        images = {id: number for number, id in enumerate(sorted(record.id for record in records), start=1)}
        categories = {name: number for number, name in enumerate(classes, start=1)}
    else:
        images, categories = numbers.images, numbers.categories
    results = []
    for record, detections in zip(records, found, strict=True):
        boxes = as_boxes(detections.boxes).astype(np.float64)
        boxes[:, 2:] -= boxes[:, :2]
        labels, scores = detections.labels.tolist(), detections.scores.tolist()
        results += [
            {"image_id": images[record.id], "category_id": categories[classes[label]], "bbox": box, "score": score}
            for box, score, label in zip(boxes.tolist(), scores, labels, strict=True)
            if classes[label] in categories
        ]
    return results


def write_coco_results(path, found, records, classes, numbers=None):
    """Writes `coco_results` to a file -> lines that say so, and what the ids are.

    Raises UserError where it can't be written.
    """
    results = coco_results(found, records, classes, numbers)
    write_atomically(path, json.dumps(results, allow_nan=False) + "\n")
    if numbers is None:
        numbered = "image_id counts the images' sorted names from 1, category_id the classes from 1"
        return [f"COCO results: {path}; no one COCO file has these images, so {numbered}"]
    lines = [f"COCO results: {path}, with the ids of {numbers.path}"]
    left_out = sum(len(detections) for detections in found) - len(results)
    if left_out:
        lacking = ", ".join(name for name in classes if name not in numbers.categories)
        lines.append(f"{left_out} detections are left out there, since the file has no category {lacking}")
    return lines
