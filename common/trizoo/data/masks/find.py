"""Where images and masks are in a user's folder, and which belong together: VOC, plain folders, labelme, COCO."""

from pathlib import Path

from trizoo.data.masks.annotations import find_coco, find_labelme, find_panoptic
from trizoo.data.masks.folders import find_folders, find_voc
from trizoo.ground.errors import UserError

LAYOUTS = ("voc", "folders", "labelme", "coco", "panoptic")
_FINDERS = {
    "voc": find_voc,
    "folders": find_folders,
    "labelme": find_labelme,
    "coco": find_coco,
    "panoptic": find_panoptic,
}


class NoMasksError(UserError):
    """Nothing in a folder looks like a data set with masks."""


def list_masks(root, layout=None):
    """The `Listing` of a data set with masks. layout: one of LAYOUTS, None for the first of them that is there.

    voc: JPEGImages, SegmentationClass, ImageSets/Segmentation. folders: images and masks in a folder each, paired by
    stem (see `pair_stems`), with splits as folders above or below them (train/images, images/train) or beside them
    (train and train_masks, or trainannot), lists (train.txt) or none. labelme: JSON files, in folders of splits or not.
    coco, panoptic: instances_NAME.json and panoptic_NAME.json in annotations, or _annotations.coco.json in a folder of
    its images. Without lists or folders, ids are split into train and val by a hash of each, about 80 : 20, so that an
    image stays where it is when others come.
    Raises NoMasksError, a UserError, where nothing is found, and UserError where it can't be used: nothing pairs, a
    list names what isn't there, a JSON file can't be read.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"data set {root} {'is not a folder' if root.exists() else 'does not exist'}")
    if layout is not None and layout not in LAYOUTS:
        raise UserError(f"the layout is {layout!r}; one of {', '.join(LAYOUTS)} is needed")
    for name in [layout] if layout else LAYOUTS:
        listing = _FINDERS[name](root)
        if listing is not None:
            return listing
    looked = f"{layout}" if layout else "VOC (SegmentationClass), folders of images and masks, labelme or COCO JSON"
    raise NoMasksError(f"no data set with masks in {root}: {looked} was looked for")


def has_masks(root):
    """Whether `list_masks` finds something. Raises UserError where that can't be used."""
    try:
        list_masks(root)
    except NoMasksError:
        return False
    return True
