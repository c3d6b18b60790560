"""Layouts whose objects are points, each with a box of one pixel about it, which detectors can't learn from."""

from dataclasses import replace

import numpy as np

from trizoo.data.statistics import evenly
from trizoo.ground.boxes import around, centres

LAYOUTS = ("coco-keypoints", "points", "labelme-points", "cvat-points", "yolo-pose")
MOST_LOOKED_AT = 500  # annotations that are read to see whether a data set has points, evenly spread
HALF = 0.5  # pixels to each side of a point
SHARE = 1e-4  # the same as a share of the image's sides, which aren't known yet: a fraction of a pixel
_DRAWN = 15.0  # pixels to each side of a point that a box has for labelling tools
_LEAST = 0.51  # the same at the image's edge: VOC has no corners for a box of one pixel


def some(annotations):
    """Those of many annotations that are looked at to see whether there are points: MOST_LOOKED_AT, evenly spread."""
    annotations = list(annotations)
    return [annotations[place] for place in evenly(len(annotations), MOST_LOOKED_AT)]


def shared_cells(points, side):
    """How many points (N, 2) lie in a square cell of this side in which another lies that came before."""
    return len(points) - len(np.unique(points // side, axis=0))


class Drawn:
    """Records of points, as a sequence, with boxes that labelling tools show: 30 pixels wide about the same centres.

    Where the image's edge is nearer than 15 pixels the box is smaller, so that no reader clips it and moves the centre.
    """

    def __init__(self, records):
        self._records = records

    def __len__(self):
        return len(self._records)

    def __getitem__(self, place):
        record = self._records[place]
        points = centres(np.asarray(record.boxes, np.float64))
        edges = np.minimum(points, np.array(record.size) - points).min(axis=1, keepdims=True)
        boxes = around(points, np.clip(edges, _LEAST, _DRAWN)).astype(np.float32)
        return replace(record, boxes=boxes)
