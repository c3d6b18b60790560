"""Outlines that annotation tools write into VOC's XML where a box should be, and the boxes around them.

Outlines are points, and the tools that write them take the points as their canvas gives them: in continuous pixels from
0. So nothing is subtracted, unlike from VOC's bndbox, which counts whole pixels from 1.

- polygon: corners in order. `<pt><x>5</x><y>6</y></pt>` (LabelMe), `<x1>5</x1><y1>6</y1>` (Roboflow and others), or
  `<point0>5,6</point0>` (forks of labelImg).
- robndbox: a turned box. `cx, cy, w, h, angle`, the angle in radians (roLabelImg), or corners as `x_left_top` (DIOR-R).
- circle: `cx, cy, r`.
"""

import math

_FEWEST_CORNERS = 3


def outline_bounds(elements):
    """The box around the outlines of one object: (xmin, ymin, xmax, ymax), or None where they can't be understood.

    Args:
        elements: XML elements with tags of OUTLINES; those of the first one's tag count, together
    """
    tag = elements[0].tag
    try:
        points = [point for element in elements if element.tag == tag for point in OUTLINES[tag](element)]
        if len(points) < _FEWEST_CORNERS:
            return None
        xs, ys = zip(*points, strict=True)
    except (TypeError, ValueError):  # a number is missing, or is none
        return None
    bounds = min(xs), min(ys), max(xs), max(ys)
    has_area = bounds[0] < bounds[2] and bounds[1] < bounds[3]
    return bounds if has_area and all(map(math.isfinite, (*xs, *ys))) else None


def _corners(element):
    """(x, y) of every corner, by how its tags begin."""
    xs, ys = [], []
    for part in element.iter():
        tag = part.tag
        if tag.startswith("x"):
            xs.append(float(part.text))
        elif tag.startswith("y"):
            ys.append(float(part.text))
        elif tag.startswith("point") and "," in (part.text or ""):
            x, y = part.text.split(",")
            xs.append(float(x))
            ys.append(float(y))
    return list(zip(xs, ys, strict=True))


def _turned_box(element):
    """The corners of the box around a turned box."""
    numbers = {part.tag: part.text for part in element}
    if "cx" not in numbers:
        return _corners(element)
    cx, cy, width, height, angle = (float(numbers.get(tag)) for tag in ("cx", "cy", "w", "h", "angle"))
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    return _around(cx, cy, (abs(width) * cos + abs(height) * sin) / 2, (abs(width) * sin + abs(height) * cos) / 2)


def _circle(element):
    """The corners of the square around a circle."""
    numbers = {part.tag: part.text for part in element}
    cx, cy, radius = (float(numbers.get(tag)) for tag in ("cx", "cy", "r"))
    return _around(cx, cy, radius, radius)


def _around(cx, cy, half_width, half_height):
    return [(cx + x * half_width, cy + y * half_height) for x in (-1, 1) for y in (-1, 1)]


# Tag -> function of such an element: the points (x, y) whose bounds are its own
OUTLINES = {"polygon": _corners, "robndbox": _turned_box, "circle": _circle}
