"""What is wrong with a data set, before anything is trained on it."""

from trizoo.data.check.boxes import check_boxes
from trizoo.data.check.classes import check_classes
from trizoo.data.check.masks import check_masks
from trizoo.data.class_names import given_names
from trizoo.data.purpose import OF_IMAGES, find_labels


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
    own_classes=False,
):
    """Read a whole data set and say what training would stumble over: a `Report`, a `MaskReport` or a `ClassReport`.

    Args:
        task: "detection", "segmentation", "keypoints", "classification", "multilabel", or None for what there is; see
            `trizoo.data.purpose.find_labels`
        classes: the names, any other one is an error
        watch: see `trizoo.data.check.pictures.decode_all`
        own_classes: of classes of whole images, whether each split may have its own, as data of embeddings have
        layout, images, annotations: see `find_boxes` and `find_masks`; the others are options of masks, see
            `trizoo.data.masks.dataset.MaskSet`

    Raises:
        UserError: where there is no data set, or none that can be listed
    """
    if classes is not None and not isinstance(classes, str):
        given_names(classes)
    places = {"images": images, "annotations": annotations}
    options = {"mask_map": mask_map, "palette": palette, "ignore_colours": ignore_colours}
    purpose, listing = find_labels(root, task, layout, **places, about_masks=any(options.values()))
    if purpose == "segmentation":
        return check_masks(listing, classes, watch=watch, **options)
    if purpose in OF_IMAGES:
        return check_classes(listing, classes, watch, own_classes)
    return check_boxes(listing, classes, watch, points=purpose == "keypoints")
