"""Which format of boxes a user's folder holds."""

from trizoo.data.boxes.voc import find_voc
from trizoo.data.finding import contents, listings
from trizoo.data.voc_files import no_root
from trizoo.ground.errors import UserError

# layout -> function of a folder: its `trizoo.data.boxes.listing.Listing`, or None where nothing is of this layout
FINDERS = {
    "voc": find_voc,
}


class NoBoxesError(UserError):
    """Nothing in a folder looks like a data set with boxes."""


def find_boxes(root, layout=None):
    """The `Listing` of a data set with boxes.

    A layout of which there are folders and no annotation counts only where no other has any. voc: JPEGImages,
    Annotations and ImageSets/Main, in the folder itself, VOCdevkit/VOC20xx, or up to two levels below.

    Args:
        layout: one of FINDERS, None for the first of them that is there

    Raises:
        NoBoxesError: a UserError, where nothing is found
        UserError: where it can't be used
    """
    without = None
    for listing in listings(root, FINDERS, layout):
        if listing.annotations:
            return listing
        without = without or listing
    if without is None:
        raise NoBoxesError(_nothing(root, [layout] if layout else [*FINDERS]))
    return without


def _nothing(root, layouts):
    """The sentence about a folder without boxes: what was looked for, and what there is instead."""
    others = ", ".join(layout for layout in layouts if layout != "voc")
    if "voc" not in layouts:
        return f"no data set with boxes in {root}: the layout {others} was looked for; {contents(root)}"
    beside = f"; other layouts were looked for too: {others}" if others else ""
    return f"{no_root(root)}{beside}; {contents(root)}"
