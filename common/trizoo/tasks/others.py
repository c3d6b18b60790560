"""Detections in the forms of others: COCO's results, YOLO's label files."""

import numpy as np

from trizoo.ground.boxes import clip, xyxy_to_cxcywh
from trizoo.ground.files import write_atomically

# COCO's numbers go to 90 and leave these out (Lin et al. 2014; instances_val2017.json)
COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_ENDS = ("person", "toothbrush")


def coco_categories(class_names):
    """The category_id of each class: COCO's own for its 80 classes in their order, else 1 and up -> list."""
    if len(class_names) == 80 and (class_names[0], class_names[-1]) == COCO_ENDS:
        return [number for number in range(1, 91) if number not in COCO_GAPS]
    return list(range(1, len(class_names) + 1))


def to_coco(result, image_id, categories):
    """One image's dict of `trizoo.tasks.writers.to_json` as COCO's results -> list of dicts.

    Each has the image's name too, as `file_name`, which readers of COCO's results pass over; boxes are x, y, width,
    height.

    Args:
        image_id: the image's number
        categories: of `coco_categories`
    """
    listed = []
    for found in result["detections"]:
        xmin, ymin, xmax, ymax = found["box"]
        listed.append(
            {
                "image_id": image_id,
                "file_name": result["image"],
                "category_id": categories[found["label"]],
                "bbox": [xmin, ymin, round(xmax - xmin, 2), round(ymax - ymin, 2)],
                "score": found["score"],
            }
        )
    return listed


def write_yolo(path, size, detections):
    """Writes a label file of YOLO's: class id, centre and sides as shares of the image, an object a line, best first.

    Args:
        size: (width, height)
    """
    width, height = size
    boxes = clip(detections.boxes, width, height).reshape(-1, 4).astype(np.float64) / [width, height, width, height]
    rows = zip(detections.labels.tolist(), xyxy_to_cxcywh(boxes).tolist(), strict=True)
    write_atomically(path, "".join(f"{label} {' '.join(f'{side:.6f}' for side in box)}\n" for label, box in rows))


def write_names(path, class_names):
    """Writes classes in order of their ids, a name a line, unless they stand there."""
    text = "".join(f"{' '.join(name.split())}\n" for name in class_names)
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):
        write_atomically(path, text)
