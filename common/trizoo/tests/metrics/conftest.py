from pathlib import Path

import numpy as np
import pytest

from trizoo.ground.sample import Detections, Record


def make_truth(boxes=(), labels=(), difficult=None, crowd=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    nothing = np.zeros(len(boxes), bool)
    return Record(
        id="image",
        image=Path("image.jpg"),
        size=(640, 480),
        boxes=boxes,
        labels=np.array(labels, np.int64),
        difficult=nothing if difficult is None else np.array(difficult, bool),
        crowd=nothing if crowd is None else np.array(crowd, bool),
    )


def make_detections(boxes=(), scores=(), labels=()):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


def make_random_set(seed, images=24, classes=5, most_detections=140):
    """Detections and truths with ties in score and IoU, areas on COCO's limits, crowds, difficult and empty images,
    and small boxes whose corners are swapped.

    Some truths of one class overlap. The last class has no ground truth, the one before only difficult ones.
    """
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for image in range(images):
        count = 0 if image % 6 == 0 else rng.integers(1, 16)
        sides = rng.choice([4, 12, 31.5, 32, 32, 48, 96, 96, 150, 300], (count, 2))
        corner = rng.integers(0, 40, (count, 2)) * 8
        boxes = np.concatenate([corner, corner + sides], axis=1)
        labels = rng.integers(0, classes - 1, count)
        for index in range(1, count, 3):  # neighbours that compete for a detection, some in the very same place
            boxes[index] = boxes[index - 1] + rng.choice([0, 4], 4)
            labels[index] = labels[index - 1]
        difficult = (rng.random(count) < 0.15) | (labels == classes - 2)
        truths.append(make_truth(boxes, labels, difficult, rng.random(count) < 0.15))

        crowded = image % 8 == 1  # by default more detections of one class than COCO counts
        found = most_detections if crowded else 0 if image % 5 == 3 else rng.integers(1, most_detections)
        sides = rng.choice([4, 12, 32, 48, 96, 150], (found, 2))
        corner = rng.integers(0, 40, (found, 2)) * 8
        found_boxes = np.concatenate([corner, corner + sides], axis=1).astype(float)
        found_labels = rng.integers(0, classes, found)
        if count:
            near = rng.random(found) < 0.7
            which = rng.integers(0, count, found)
            shifts = rng.choice([-4, 0, 0, 0, 1.7, 8], (found, 4))
            found_boxes[near] = (boxes[which] + shifts)[near]
            found_labels[near] = labels[which][near]
        if crowded:
            found_labels[:] = 0
        scores = rng.integers(1, 20, found) / 20
        detections.append(make_detections(found_boxes, scores, found_labels))
    return detections, truths


@pytest.fixture(scope="session")
def truth():
    return make_truth


@pytest.fixture(scope="session")
def found():
    return make_detections


@pytest.fixture(scope="session")
def random_set():
    return make_random_set
