"""Where labels stand in a picture: each at its box, none over another."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

GAP = 1  # pixels between two labels, so that those of one class stay apart


@dataclass(frozen=True)
class Label:
    """A text with its ground, not placed yet.

    Args:
        size: (width, height) in pixels, with the ground
        margin: pixels of ground left and right of the text
    """

    text: str
    font: Any
    size: tuple[int, int]
    margin: int

    def draw(self, pen, place, colour, ink):
        """Draws it with a Pillow pen.

        Args:
            place: (left, top)
            colour: of the ground
            ink: of the letters
        """
        (left, top), (width, height) = place, self.size
        pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
        baseline = top + self.margin // 4 + self.font.getmetrics()[0]
        pen.text((left + self.margin, baseline), self.text, fill=ink, font=self.font, anchor="ls")


def make_label(text, font, picture, ending=""):
    """The Label of a text and its ending, the text cut short to fit; None where not a letter of it has room.

    Args:
        picture: (width, height) of the picture; a label takes no more than half of its height
    """
    margin = max(1, font.size // 4)
    height = sum(font.getmetrics()) + margin // 2
    if height > picture[1] / 2:
        return None
    cut = (f"{text[:count].rstrip()}…{ending}" for count in range(len(text) - 1, 0, -1))
    for candidate in itertools.chain([text + ending], cut):
        width = math.ceil(font.getlength(candidate)) + 2 * margin
        if width <= picture[0]:
            return Label(candidate, font, (width, height), margin)
    return None


def place_labels(sizes, boxes, picture):
    """Places of labels, no two of which overlap, all in the picture: -> list of (left, top), None where none is left.

    The first label chooses first. It stands above its box, else inside at the top, below, right, left, at the other
    ends of these, else at the free place that is nearest to the box's outline; see `leader`.

    Args:
        sizes: (width, height) of each label in pixels
        boxes: (N, 4), the first and the last pixel of each box in the picture: left, top, right, bottom
        picture: (width, height)
    """
    taken = np.zeros((len(sizes), 4), np.int64)  # left, top, right, bottom of labels with gaps, the last two exclusive
    count, places, hopeless = 0, [], []
    for size, box in zip(sizes, boxes, strict=True):
        width, height = size
        known, place = taken[:count], None
        if not any(width >= w and height >= h for w, h in hopeless):
            usual = (spot for spot in _usual(size, box, picture) if _is_free(spot, size, known))
            place = next(usual, None) or _nearest_free(size, box, picture, known)
            if place is None:
                hopeless.append(size)  # places only become fewer
        places.append(place)
        if place is not None:
            left, top = place
            taken[count] = left - GAP, top - GAP, left + width + GAP, top + height + GAP
            count += 1
    return places


def leader(place, size, box):
    """The ends of a line from a label to its box's outline: ((x, y), (x, y)), None where the label touches it.

    Args:
        place: (left, top) of the label
        size: (width, height) of the label
        box: left, top, right, bottom, the first and the last pixel
    """
    first, last = place, (place[0] + size[0] - 1, place[1] + size[1] - 1)
    inside = [first[0] - box[0], first[1] - box[1], box[2] - last[0], box[3] - last[1]]
    if min(inside) > 0:  # the shortest way to one of the box's sides
        side = inside.index(min(inside))
        start = [(first[0] + last[0]) // 2, (first[1] + last[1]) // 2]
        start[side % 2] = (first if side < 2 else last)[side % 2]
        end = list(start)
        end[side % 2] = box[side]
        return None if min(inside) <= 1 else (tuple(start), tuple(end))
    ends = []
    for axis in (0, 1):
        if last[axis] < box[axis]:
            ends.append((last[axis], box[axis]))
        elif first[axis] > box[axis + 2]:
            ends.append((first[axis], box[axis + 2]))
        else:
            ends.append(((max(first[axis], box[axis]) + min(last[axis], box[axis + 2])) // 2,) * 2)
    if max(abs(a - b) for a, b in ends) <= 1:
        return None
    return tuple(a for a, _ in ends), tuple(b for _, b in ends)


def _usual(size, box, picture):
    """The places at a box where a label is looked for, in order, as far as they lie in the picture."""
    (width, height), (left, top, right, bottom) = size, box
    x, x_end = (min(max(0, at), picture[0] - width) for at in (left, right + 1 - width))
    y, y_end = (min(max(0, at), picture[1] - height) for at in (top, bottom + 1 - height))
    above, below = top - height, bottom + 1
    fits_inside = width <= right + 1 - left and 2 * height <= bottom + 1 - top
    places = [
        (x, above),
        *([(left, top)] if fits_inside else []),
        (x, below),
        (right + 1, y),
        (left - width, y),
        (x_end, above),
        (x_end, below),
        (right + 1, y_end),
        (left - width, y_end),
        *([(right + 1 - width, top), (left, bottom + 1 - height)] if fits_inside else []),
    ]
    for place in places:
        if all(0 <= at <= side - length for at, side, length in zip(place, picture, size, strict=True)):
            yield place


def _is_free(place, size, taken):
    """Whether a label there overlaps none of those (K, 4)."""
    (left, top), (width, height) = place, size
    apart = (taken[:, 0] >= left + width) | (taken[:, 2] <= left)
    apart |= (taken[:, 1] >= top + height) | (taken[:, 3] <= top)
    return bool(apart.all())


def _nearest_free(size, box, picture, taken):
    """The free place (left, top) nearest to a box's outline, None where the whole picture has none.

    If there is any free place, then there is one at the left edge of the picture or at another label's right: a label
    can be pushed to the left until it meets something. For each such place the gaps above and below others are tried.
    """
    (width, height), (left, top, right, bottom) = size, box
    lefts = [left, right + 1 - width, right + 1, left - width, 0, picture[0] - width]
    lefts = np.unique([*lefts, *taken[:, 2], *(taken[:, 0] - width)])
    lefts = lefts[(lefts >= 0) & (lefts <= picture[0] - width)]
    sideways = np.maximum(np.maximum(left - (lefts + width), lefts - (right + 1)), 0)
    wanted = np.array([top - height, top, bottom + 1, bottom + 1 - height])
    best, nearest = None, math.inf
    for k in np.argsort(sideways, kind="stable"):
        if sideways[k] >= nearest:
            break
        x = int(lefts[k])
        column = taken[(taken[:, 0] < x + width) & (taken[:, 2] > x)]
        column = column[np.argsort(column[:, 1], kind="stable")]
        begins = np.concatenate([[0], np.maximum.accumulate(column[:, 3])])
        ends = np.concatenate([column[:, 1], [picture[1]]]) - height
        fits = begins <= ends
        tops = np.clip(wanted, begins[fits, None], ends[fits, None]).ravel()
        if not len(tops):
            continue
        distances = _distances(x, tops, size, box)
        at = int(distances.argmin())
        if distances[at] < nearest:
            best, nearest = (x, int(tops[at])), distances[at]
    return best


def _distances(x, tops, size, box):
    """How far labels with this left edge and these upper edges (K,) lie from a box's outline, in pixels (K,)."""
    (width, height), (left, top, right, bottom) = size, box
    aside = max(left - (x + width), x - (right + 1), 0)
    off = np.maximum(np.maximum(top - (tops + height), tops - (bottom + 1)), 0)
    within = np.minimum(min(x - left, right + 1 - x - width), np.minimum(tops - top, bottom + 1 - tops - height))
    return np.hypot(aside, off) + np.maximum(within, 0)
