"""What is wrong with a data set, before anything is trained on it."""

from trizoo.data.boxes.find import FINDERS as OF_BOXES
from trizoo.data.boxes.find import NoBoxesError, find_boxes
from trizoo.data.check.boxes import check_boxes
from trizoo.data.check.masks import check_masks
from trizoo.data.class_names import given_names
from trizoo.data.finding import listings
from trizoo.data.masks.find import FINDERS as OF_MASKS
from trizoo.data.masks.find import NoMasksError, find_masks
from trizoo.ground.errors import UserError

# masks that are pictures, which count before COCO's boxes
_PICTURES = {layout: finder for layout, finder in OF_MASKS.items() if layout not in (*OF_BOXES, "panoptic")}


def check(
    root,
    classes=None,
    *,
    task=None,
    layout=None,
    images=None,
    annotations=None,
    mask_map=None,
    palette=None,
    ignore_colours=(),
    watch=None,
):
    """Read a whole data set and say what training would stumble over: a `Report` on boxes, or a `MaskReport`.

    Args:
        task: "detection", "segmentation", or None for what there is: masks where one of their options, or a layout of
            masks alone, is given, else boxes where images are annotated with them, else masks; COCO's boxes come after
            masks that are pictures
        classes: the names, any other one is an error
        watch: see `trizoo.data.check.pictures.decode_all`
        layout, images, annotations: see `find_boxes` and `find_masks`; the others are options of masks, see
            `trizoo.data.masks.dataset.MaskSet`

    Raises:
        UserError: where there is no data set, or none that can be listed
    """
    if classes is not None and not isinstance(classes, str):
        given_names(classes)
    places = {"images": images, "annotations": annotations}
    options = {"mask_map": mask_map, "palette": palette, "ignore_colours": ignore_colours}
    of_masks = any(options.values()) or (layout in OF_MASKS and layout not in OF_BOXES)
    if task == "segmentation" or (task is None and of_masks):
        return check_masks(find_masks(root, layout, **places), classes, watch=watch, **options)
    if task == "detection" or (layout is not None and layout not in OF_MASKS):
        return check_boxes(find_boxes(root, layout, **places), classes, watch)
    try:
        boxes, error = find_boxes(root, layout, **places), None
    except UserError as why:
        boxes, error = None, why
    if (
        boxes is None
        or not boxes.annotations
        or (boxes.layout == "coco" and layout is None and _are_masks(root, places))
    ):
        try:
            return check_masks(find_masks(root, layout, **places), classes, watch=watch)
        except NoMasksError:
            if error:
                text = f"{error}; nor are there masks: a folder beside images, labelme's or COCO's JSON files"
                raise UserError(text) from error
        except UserError as why:
            raise why if error is None or isinstance(error, NoBoxesError) else error from None
    return check_boxes(boxes, classes, watch)


def _are_masks(root, places):
    """Whether there are masks that are pictures."""
    try:
        return any(True for _ in listings(root, _PICTURES, **places))
    except UserError:
        return False
