"""Annotated boxes on their images: in pixels, turned as a viewer shows the image, clipped, every one with an area."""

import numpy as np

from trizoo.data.boxes.orientation import upright_boxes
from trizoo.data.reading import Problem
from trizoo.ground.boxes import area, centres

_OVERHANG = 1  # pixels beyond the edge that tools which count from 0 write


def place(annotations, headers, points=False):
    """The objects of annotations on their images: boxes, which objects they are, and what is to be told.

    A box that reaches over the edge by one pixel at most is no problem: tools that count from 0 write such. Where an
    annotation says that its image has the size of the stored pixels, and EXIF turns them, the boxes are turned too.

    Args:
        annotations: list of `trizoo.data.boxes.listing.Annotation`
        headers: `trizoo.data.images.Header` of the image of each
        points: whether boxes stand for their centres, which is what is told

    Returns:
        boxes: float32 (N, 4), those of all annotations in order, every one with an area; of points not clipped
        kept: bool (M,), which of all objects they are
        counts: int64 (A,), boxes of each annotation
        problems: place among the annotations -> list of Problem
    """
    numbers = np.array([len(annotation.objects) for annotation in annotations], np.int64)
    written = np.array([thing.box for annotation in annotations for thing in annotation.objects], np.float64)
    written = written.reshape(-1, 4)
    owners = np.repeat(np.arange(len(annotations)), numbers)
    starts = np.cumsum(numbers) - numbers
    sizes = np.array([header.size for header in headers], np.float64).reshape(-1, 2)
    limits = np.tile(sizes, 2)[owners]
    relative = np.array([annotation.relative for annotation in annotations], bool)[owners]
    problems = {}
    for number, (annotation, header) in enumerate(zip(annotations, headers, strict=True)):
        if is_drawn_on_stored(annotation, header) and numbers[number]:
            own = slice(starts[number], starts[number] + numbers[number])
            written[own] = upright_boxes(written[own], header.stored_size, header.orientation)
            problems[number] = [_turned(annotation, header)]
    written[relative] *= limits[relative]
    if points:  # whole boxes about what lies in the image, so that no centre moves
        middles = centres(written)
        kept = ((middles >= 0) & (middles <= limits[:, 2:])).all(axis=1)
        boxes, overhang = written.astype(np.float32), np.zeros(len(written))
    else:
        boxes = np.clip(written, 0, limits).astype(np.float32)
        kept = area(boxes) > 0
        overhang = np.abs(written - boxes).max(axis=1, initial=0)
    for index in np.flatnonzero(~kept | (overhang > _OVERHANG)):
        number = owners[index]
        annotation = annotations[number]
        named = annotation.objects[index - starts[number]]
        verdict = "and is clipped" if kept[index] else "altogether and is left out"
        told = centres(written[index]) if points else written[index]
        corners = ", ".join(f"{side:g}" for side in told)
        width, height = headers[number].size
        text = f"{named.name} ({corners}) lies outside the {width}x{height} image {verdict}"
        kind = f"{'point' if points else 'box'} outside the image"
        problem = Problem(kind, annotation.file, named.located(text))
        problems.setdefault(int(number), []).append(problem)
    counts = np.bincount(owners[kept], minlength=len(annotations))
    return boxes[kept], kept, counts, problems


def is_drawn_on_stored(annotation, header):
    """Whether boxes are in pixels of the stored image, which a viewer shows turned: its size tag tells the two apart.

    An image of equal sides, whose tag fits both, counts as drawn upright.
    """
    upright, stored = header.size, header.stored_size
    return header.orientation != 1 and not annotation.relative and annotation.size == stored != upright


def _turned(annotation, header):
    width, height = header.stored_size
    text = f"was drawn on the {width}x{height} pixels as stored, so its boxes are turned as the photo's EXIF tag says"
    return Problem("boxes turned with the photo", annotation.file, text)


def shares_suspected(boxes, points=False):
    """The sentence about clipped boxes (N, 4) that all lie in the first pixel of their images; else None.

    Coordinates from 0 to 1 look so where pixels are expected.

    Args:
        points: whether it is the boxes' centres that count
    """
    if not len(boxes) or (centres(boxes) if points else boxes).max() > 1:
        return None
    if points:
        which = f"all {len(boxes):,} points lie" if len(boxes) > 1 else "the only point lies"
        return f"{which} in the first pixel; are these shares of the image's size?"
    which = f"all {len(boxes):,} boxes are" if len(boxes) > 1 else "the only box is"
    return f"{which} smaller than a pixel; are these shares of the image's size?"
