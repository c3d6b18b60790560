"""VOC's layout of masks: JPEGImages, SegmentationClass, ImageSets/Segmentation."""

from trizoo.data.masks.listing import Listing
from trizoo.data.masks.pair import MaskFile, Pair
from trizoo.data.reading import Problem
from trizoo.data.splits import find_lists
from trizoo.data.voc_files import find_root, list_files
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


def find_voc(root, images=None, annotations=None):
    """The `Listing` of a VOC data set with SegmentationClass, None where there is none."""
    try:
        root = find_root(root)
    except UserError:  # several of them: boxes', perhaps, while the masks are elsewhere
        return None
    if root is None:
        return None
    files = list_files(root)
    if not files.masks:
        return None
    pairs = {id: Pair(id, files.images[id], MaskFile(path)) for id, path in files.masks.items() if id in files.images}
    lists = find_lists(root, files.masks, files.list_folders(for_masks=True), others=files.images)
    if lists.error:
        raise lists.error
    found, notes = lists.ids, lists.notes
    lacking = {name: [id for id in ids if id not in pairs] for name, ids in found.items()}
    (folder,) = files.list_folders(for_masks=True)
    if folder.name != "Segmentation":  # lists for boxes: most of their images have no mask
        found, lacking = {name: [id for id in ids if id in pairs] for name, ids in found.items()}, {}
        found = {name: ids for name, ids in found.items() if ids}
    for name, ids in lacking.items():
        if ids:
            raise UserError(
                f"{len(ids)} of {len(found[name])} images of {folder / f'{name}.txt'} lack an image in "
                f"{root / 'JPEGImages'} or a mask in {root / 'SegmentationClass'}: {first_few(ids)}"
            )
    unpaired = [
        Problem("mask without image", path, "has no image in JPEGImages")
        for id, path in files.masks.items()
        if id not in pairs
    ]
    unique = {name: list(dict.fromkeys(ids)) for name, ids in found.items()}
    doubles = tuple(Problem("same id", path, text) for path, text in files.doubles)
    return Listing(root, "voc", pairs, unique, None, tuple(unpaired), doubles, tuple(notes))
