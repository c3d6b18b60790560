"""VOC's layout: JPEGImages, Annotations with an XML file an image, ImageSets."""

from trizoo.data.boxes.listing import Listing, Lists
from trizoo.data.boxes.voc_xml import read_annotation
from trizoo.data.reading import Problem
from trizoo.data.voc_files import find_root, list_files, read_splits
from trizoo.ground.errors import UserError


def find_voc(root):
    """The `Listing` of a VOC data set in a folder or up to two below, None where there is none.

    Raises UserError where there are several. Masks beside the boxes, and lists for them alone, come with it.
    """
    root = find_root(root)
    if root is None:
        return None
    files = list_files(root)
    for_masks = bool(files.masks) and (
        not files.annotations or files.split_folder(for_masks=True) != files.split_folder()
    )
    return Listing(
        root,
        "voc",
        files.images,
        files.annotations,
        lambda id: read_annotation(files.annotations[id]),
        _lists(files),
        remarks=tuple(Problem("same id", path, text) for path, text in files.doubles),
        image_folder=root / "JPEGImages",
        annotation_folder=root / "Annotations",
        masks=files.masks,
        mask_lists=_lists(files, True, "Segmentation/" if files.annotations else "") if for_masks else Lists(),
    )


def _lists(files, for_masks=False, prefix=""):
    """The `Lists` of boxes or of masks; prefix: of the splits' names."""
    try:
        ids, notes = read_splits(files, for_masks)
    except UserError as error:
        return Lists(error=error)
    folder = files.split_folder(for_masks)
    paths = {f"{prefix}{name}": folder / f"{name}.txt" for name in ids}
    return Lists({f"{prefix}{name}": ids[name] for name in ids}, paths, tuple(notes))
