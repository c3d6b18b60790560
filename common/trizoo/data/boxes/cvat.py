"""CVAT's XML for images 1.1: the bounds of what is drawn on each image."""

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.cvat_files import find_files
from trizoo.data.reading import Problem
from trizoo.data.splits import Lists, find_lists

_WITHOUT_BOX = ("points", "skeleton")


def find_cvat(root, images=None, annotations=None):
    """The `Listing` of CVAT's XML files in a folder and those below it, None where there are none.

    See `trizoo.data.cvat_files.find_files` for which image each entry is of. Subsets are splits. Raises UserError for
    XML that can't be read, and for the tracks of a video.
    """
    files = find_files(root, images, annotations)
    if files is None:
        return None
    lists = Lists(files.splits) if files.splits else find_lists(root, files.entries, others=files.images)
    return Listing(
        root,
        "cvat",
        files.images,
        {id: entry.file for id, entry in files.entries.items()},
        lambda id: as_annotation(files.entries[id]),
        lists,
        files.labels,
        problems=files.problems,
        remarks=files.doubles,
        image_folder=images,
        annotation_folder=annotations,
    )


def as_annotation(entry):
    """The `Annotation` of a `trizoo.data.cvat_xml.CvatImage`.

    CVAT's coordinates are continuous and count from 0, so they stay as they are. A turned box or ellipse becomes its
    bounds; attributes called difficult and is_crowd are flags. Points, skeletons and what has no area are left out,
    which `problems` tells.
    """
    objects, problems, remarks = [], [], []
    for shape in entry.shapes:
        where = f"line {shape.line}"
        if shape.kind == "tag":
            remarks.append(Problem("tag of an image", entry.file, f"{where}: {shape.name} is of the whole image"))
            continue
        bounds = _bounds(shape)
        if len(bounds) == 2:
            kind, text = bounds
            problems.append(Problem(kind, entry.file, f"{where}: {text} and is left out"))
            continue
        if shape.kind == "polyline":
            remarks.append(Problem("line as box", entry.file, f"{where}: {shape.name} is a polyline"))
        objects.append(AnnotatedObject(shape.name, bounds, shape.difficult, shape.crowd, where))
    return Annotation(
        entry.file,
        tuple(objects),
        tuple(problems),
        tuple(remarks),
        entry.size,
        entry.name.replace("\\", "/").rpartition("/")[2],
    )


def _bounds(shape):
    """xmin, ymin, xmax, ymax of a shape, or what is wrong with it, in few words and as a sentence."""
    if not shape.name:
        return "object without name", f"a {shape.kind} without a label"
    if shape.kind in _WITHOUT_BOX:
        return "point as object", f"{shape.name} is of the kind {shape.kind}, which has no box,"
    if shape.numbers is None:
        return "object without box", f"{shape.name} is a {shape.kind} without numbers in pixels"
    left, top, right, bottom = bounds = shape.bounds()
    if left == right or top == bottom:
        return "box without area", f"{shape.name} ({left:g}, {top:g}, {right:g}, {bottom:g}) has no area"
    return bounds
