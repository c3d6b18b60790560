"""VOC's layout: JPEGImages, Annotations with an XML file an image, ImageSets."""

from trizoo.data.boxes.listing import Listing
from trizoo.data.boxes.voc_xml import read_annotation
from trizoo.data.name_files import order_files
from trizoo.data.reading import Problem
from trizoo.data.splits import Lists, find_lists
from trizoo.data.voc_files import find_root, list_files, list_loose


def find_voc(root, images=None, annotations=None):
    """The `Listing` of VOC's annotations in a folder or up to two below, None where there are none.

    They lie as VOC's own do (JPEGImages, Annotations, ImageSets), or in any other arrangement: beside their images, in
    folders of splits, in folders of other names. Masks beside the boxes, and lists for them alone, come with VOC's own.
    labels.txt or classes.txt in the root may say the order of classes. Raises UserError where there are several data
    sets.
    """
    if annotations is not None and annotations.is_file():
        return None
    files = _files(root, images, annotations)
    if files is None:
        return None
    lists = _lists(files)
    for_masks = bool(files.masks) and (
        not files.annotations or files.list_folders(for_masks=True) != files.list_folders()
    )
    return Listing(
        files.root,
        "voc",
        files.images,
        files.annotations,
        lambda id: read_annotation(files.annotations[id]),
        lists,
        remarks=tuple(Problem("same id", path, text) for path, text in files.doubles),
        image_folder=files.image_folder,
        annotation_folder=files.annotation_folder,
        masks=files.masks,
        mask_lists=_lists(files, True, "Segmentation/" if files.annotations else "") if for_masks else Lists(),
        order_files=order_files(files.root),
    )


def _files(root, images, annotations):
    """VOC's own arrangement where it is there and holds anything, else any other."""
    if images or annotations:
        return list_loose(root, images, annotations)
    own = find_root(root)
    files = list_files(own) if own else None
    if files and (files.annotations or files.masks):
        return files
    return list_loose(root) or files


def _lists(files, for_masks=False, prefix=""):
    """The `Lists` of boxes or of masks; prefix: of the splits' names."""
    ids = files.masks if for_masks else files.annotations
    found = find_lists(files.root, ids, files.list_folders(for_masks), others=files.images)
    return Lists(
        {f"{prefix}{name}": listed for name, listed in found.ids.items()},
        {f"{prefix}{name}": path for name, path in found.files.items()},
        found.notes,
        found.error,
    )
