"""Which format of masks a user's folder holds."""

from trizoo.data.finding import listings
from trizoo.data.masks.cityscapes import find_cityscapes
from trizoo.data.masks.coco import find_coco
from trizoo.data.masks.cvat import find_cvat
from trizoo.data.masks.folders import find_folders
from trizoo.data.masks.labelme import find_labelme
from trizoo.data.masks.panoptic import find_panoptic
from trizoo.data.masks.sbd import find_sbd
from trizoo.data.masks.shards import find_shards
from trizoo.data.masks.voc import find_voc
from trizoo.data.masks.yolo import find_yolo
from trizoo.ground.errors import UserError

# layout -> function of a folder, and of the folders of images and masks where a person named them:
# its `trizoo.data.masks.listing.Listing`, or None where nothing is of this layout
FINDERS = {
    "voc": find_voc,
    "cityscapes": find_cityscapes,
    "sbd": find_sbd,
    "folders": find_folders,
    "labelme": find_labelme,
    "coco": find_coco,
    "panoptic": find_panoptic,
    "cvat": find_cvat,
    "yolo": find_yolo,
    "shards": find_shards,
}


class NoMasksError(UserError):
    """Nothing in a folder looks like a data set with masks."""


def find_masks(root, layout=None, images=None, annotations=None):
    """The `Listing` of a data set with masks.

    cityscapes: leftImg8bit and gtFine, whose label ids become the 19 classes that are trained.
    sbd: img, cls with a .mat file an image, train.txt and val.txt.
    voc: JPEGImages, SegmentationClass, ImageSets/Segmentation. folders: images and masks in a folder each, paired by
    stem (see `pair_stems`), with splits as folders above or below them (train/images, images/train) or beside them
    (train and train_masks, or trainannot), lists (train.txt) or none. labelme: JSON files, in folders of splits or not.
    coco, panoptic: instances_NAME.json and panoptic_NAME.json in annotations, or _annotations.coco.json in a folder of
    its images. cvat: XML for images, whose subsets are splits. Without lists or folders, ids are split into train and
    val by a hash of each, about 80 : 20, so that an image stays where it is when others come.
    its images. yolo: label files of outlines, see `trizoo.data.yolo_files.find_files`. shards: tars, see
    `trizoo.data.shard_files`. Without lists or folders, ids are split into train and val by a hash of each, about
    80 : 20, so that an image stays where it is when others come.

    Args:
        layout: one of FINDERS, None for the first of them that is there
        images, annotations: where they lie; see `trizoo.data.finding.listings`

    Raises:
        NoMasksError: a UserError, where nothing is found
        UserError: where it can't be used: nothing pairs, a list names what isn't there, a JSON file can't be read
    """
    listing = next(listings(root, FINDERS, layout, images, annotations), None)
    if listing is None:
        looked = layout or "VOC (SegmentationClass), folders of images and masks, labelme or COCO JSON, YOLO outlines"
        raise NoMasksError(f"no data set with masks in {root}: {looked} was looked for")
    return listing
