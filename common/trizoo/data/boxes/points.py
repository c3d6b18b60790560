"""Layouts whose objects are points, each with a box of one pixel about it, which detectors can't learn from."""

LAYOUTS = ("coco-keypoints", "points")
HALF = 0.5  # pixels to each side of a point
