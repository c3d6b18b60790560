"""What a data set is for: the boxes, the masks or the classes in a folder, whichever are meant."""

from trizoo.data.boxes.find import FINDERS as OF_BOXES
from trizoo.data.boxes.find import NoBoxesError, find_boxes, first_of_points
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.classes.find import FINDERS as OF_CLASSES
from trizoo.data.classes.find import OF_LABELS, NoClassesError, find_classes, find_label_sets
from trizoo.data.finding import listings
from trizoo.data.masks.find import FINDERS as OF_MASKS
from trizoo.data.masks.find import NoMasksError, find_masks
from trizoo.ground.errors import UserError

OF_IMAGES = ("classification", "multilabel")  # what data of classes of whole images are for
# masks that are pictures, which count before COCO's boxes
_PICTURES = {layout: finder for layout, finder in OF_MASKS.items() if layout not in (*OF_BOXES, "panoptic")}


def find_labels(root, task=None, layout=None, images=None, annotations=None, *, about_masks=False):
    """The task that a data set is for and the `Listing` of its boxes or masks: ("detection", Listing) and so on.

    Args:
        task: None for what there is: masks where one of their options, or a layout of masks alone, is given, else boxes
            where images are annotated with them, else masks, else classes, whose `ClassIndex` is given; COCO's boxes
            come after masks that are pictures
        layout, images, annotations: see `find_boxes`, `find_masks` and `find_classes`
        about_masks: whether an option of masks is given

    Raises:
        UserError: where there is no data set, or none that can be listed
    """
    places = {"layout": layout, "images": images, "annotations": annotations}
    masks_alone = layout in OF_MASKS and layout not in OF_BOXES
    if task == "classification" or (task is None and layout in OF_CLASSES):
        return "classification", find_classes(root, **places)
    if task == "multilabel" or (task is None and layout in OF_LABELS):
        return "multilabel", find_label_sets(root, **places)
    if task == "keypoints" or (task is None and layout in OF_POINTS):
        return "keypoints", first_of_points(find_boxes, root, **places)
    if task == "segmentation" or (task is None and (about_masks or masks_alone)):
        return "segmentation", find_masks(root, **places)
    if task == "detection" or (layout is not None and layout not in OF_MASKS):
        return "detection", find_boxes(root, **places)
    boxes, error = None, None
    try:
        boxes = find_boxes(root, **places)
        if boxes.annotations and not (boxes.layout == "coco" and layout is None and _are_pictures(root, places)):
            return "keypoints" if boxes.layout in OF_POINTS else "detection", boxes
    except UserError as why:
        error = why
    try:
        return "segmentation", find_masks(root, **places)
    except NoMasksError:
        nothing = error is None or isinstance(error, NoBoxesError)
        if nothing and not about_masks and (classes := _classes(root, places)):
            return "classification", classes
        if error:
            text = f"{error}; nor are there masks: a folder beside images, labelme's or COCO's JSON files"
            raise UserError(text) from error
    except UserError as why:
        raise why if error is None or isinstance(error, NoBoxesError) else error from None
    return "detection", boxes


def _classes(root, places):
    """The `ClassIndex` of what has classes alone, None where nothing has."""
    try:
        return find_classes(root, **places)
    except NoClassesError:
        return None


def _are_pictures(root, places):
    """Whether there are masks that are pictures."""
    try:
        return any(True for _ in listings(root, _PICTURES, images=places["images"], annotations=places["annotations"]))
    except UserError:
        return False
