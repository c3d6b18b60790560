"""The outline of a class's pixels as polygons that give the very same pixels when they are filled."""

import cv2
import numpy as np


def outlines(pixels):
    """One polygon for each connected region of a bool (H, W), its holes cut in -> list of float64 (N, 2), x and y.

    A polygon runs a quarter of a pixel inside the edge, so every centre of a pixel is well inside or outside of it, by
    the even-odd rule and as OpenCV fills polygons of whole numbers. A hole is joined to what lies above it by a line
    that is passed twice.
    """
    twice = np.repeat(np.repeat(pixels.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, hierarchy = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return []
    holes = {}
    for contour, (_, _, _, parent) in zip(contours, hierarchy[0].tolist(), strict=True):
        if parent >= 0:
            holes.setdefault(parent, []).append(contour[:, 0])
    found = []
    for number, contour in enumerate(contours):
        if hierarchy[0][number][3] >= 0:
            continue
        polygon = contour[:, 0]
        for hole in sorted(holes.get(number, ()), key=lambda hole: int(hole[:, 1].min())):
            polygon = _joined(polygon, hole)
        found.append((polygon + 0.5) / 2)
    return found


def _joined(polygon, hole):
    """A polygon (N, 2) with a hole (M, 2) in it, joined upwards from the hole's top -> (N + M + 3 or fewer, 2), int."""
    top = int(hole[:, 1].argmin())
    x, y = hole[top].tolist()
    start, end = polygon, np.roll(polygon, -1, axis=0)
    run = end - start
    # edges are level, upright or at 45 degrees, so those that pass this column do so at a whole number
    passes = (np.minimum(start[:, 0], end[:, 0]) <= x) & (x <= np.maximum(start[:, 0], end[:, 0])) & (run[:, 0] != 0)
    heights = start[:, 1] + (x - start[:, 0]) * np.sign(run[:, 0]) * np.sign(run[:, 1])
    heights = np.where(passes & (heights < y), heights, -1)
    edge = int(heights.argmax())
    gate = np.array([[x, heights[edge]]], polygon.dtype)
    around = np.concatenate([hole[top:], hole[: top + 1]])
    return np.concatenate([polygon[: edge + 1], gate, around, gate, polygon[edge + 1 :]])
