"""Which format of boxes a user's folder holds."""

from trizoo.data.boxes.coco import find_coco
from trizoo.data.boxes.coco_keypoints import find_coco_keypoints
from trizoo.data.boxes.csv import find_csv, find_points
from trizoo.data.boxes.cvat import find_cvat, find_cvat_points
from trizoo.data.boxes.labelme import find_labelme, find_labelme_points
from trizoo.data.boxes.lists import find_lists_of_boxes
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.boxes.shards import find_shards
from trizoo.data.boxes.voc import find_voc
from trizoo.data.boxes.yolo import find_yolo, find_yolo_pose
from trizoo.data.finding import contents, listings
from trizoo.ground.errors import UserError

# layout -> function of a folder, and of the folders of images and annotations where a person named them:
# its `trizoo.data.boxes.listing.Listing`, or None where nothing is of this layout
FINDERS = {
    "voc": find_voc,
    "coco": find_coco,
    "labelme": find_labelme,
    "cvat": find_cvat,
    "yolo": find_yolo,
    "csv": find_csv,
    "lists": find_lists_of_boxes,
    "shards": find_shards,
    "points": find_points,
    "coco-keypoints": find_coco_keypoints,
    "labelme-points": find_labelme_points,
    "cvat-points": find_cvat_points,
    "yolo-pose": find_yolo_pose,
}


class NoBoxesError(UserError):
    """Nothing in a folder looks like a data set with boxes."""


def find_boxes(root, layout=None, images=None, annotations=None):
    """The `Listing` of a data set with boxes.

    A layout of which there are folders and no annotation counts only where no other has any. How the files of each may
    lie stands in its module.

    Args:
        layout: one of FINDERS, None for the first of them that is there
        images, annotations: where they lie; see `trizoo.data.finding.listings`

    Raises:
        NoBoxesError: a UserError, where nothing is found
        UserError: where it can't be used
    """
    without = None
    for listing in listings(root, FINDERS, layout, images, annotations):
        if listing.annotations:
            return listing
        without = without or listing
    if without is None:
        raise NoBoxesError(_nothing(root, [layout] if layout else [*FINDERS]))
    return without


def first_of_points(find, root, layout=None, images=None, annotations=None):
    """What a finder of boxes gives, points first: COCO's key points come before the boxes in the same file.

    Args:
        find: `find_boxes`, or what takes the same arguments
    """
    for points in OF_POINTS if layout is None else ():
        try:
            return find(root, points, images, annotations)
        except NoBoxesError:
            continue
    return find(root, layout, images, annotations)


def _nothing(root, layouts):
    """The sentence about a folder without boxes: what was looked for, and what there is instead."""
    looked = f"annotations of the layout{'s' if len(layouts) > 1 else ''} {', '.join(layouts)} were looked for"
    return (
        f"no data set with boxes in {root}: {looked}, in it and the folders below; {contents(root)}; "
        f"--images and --annotations name folders that weren't found, --layout what they hold"
    )
