"""Masks as picture files in a folder beside that of the images, paired by their names."""

import os
import re
from pathlib import Path

from trizoo.data.ids import image_files
from trizoo.data.masks.listing import Listing, examples
from trizoo.data.masks.pair import MaskFile, Pair
from trizoo.data.reading import Problem, json_files
from trizoo.data.splits import SPLIT_NAMES, split_up
from trizoo.ground.errors import UserError

# names of folders in lower case; the first that holds images counts
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "inputs", "input", "leftimg8bit")
MASK_FOLDERS = (
    *("masks", "mask", "segmentationclass", "segmentationclasspng", "labels", "label", "annotations", "annotation"),
    *("gt", "ground_truth", "groundtruth", "targets", "target", "segmentations", "segmentation", "gtfine"),
)
_MASK_ENDING = re.compile(
    r"(?i)(?:[_\-. ]+(?:masks?|labels?|labelids|labeltrainids|gt|seg|segmentation|annot|annotation|l|matte|gtfine|"
    r"gtcoarse|ground[_\- ]?truth))+$"
)
_IMAGE_ENDING = re.compile(r"(?i)[_\-. ]+(?:leftimg8bit|images?|img|sat|rgb)$")
_OTHER_MASKS = re.compile(r"(?i)_gt(?:fine|coarse)_(?:color|instanceids)$")  # Cityscapes has several for an image
_DEPTH = 2  # an archive's folder in a folder


def pair_stems(images, masks):
    """Paths of both kinds by relative stem -> pairs {id: (image, mask)}, images without mask, masks without image.

    Stems that are equal belong together; then those that are equal without regard to case, and without what tools
    append (`_mask`, `-label`, `_gt`, `_seg`, `_labelIds`, …; `_leftImg8bit` of an image).

    Args:
        images, masks: {stem: path}
    """
    left = dict(masks)
    pairs = {}
    for normal in (lambda stem, _: stem, lambda stem, _: stem.casefold(), _bare):
        by_stem = {}
        for stem in left:
            by_stem.setdefault(normal(stem, _MASK_ENDING), stem)
        for stem, image in images.items():
            match = by_stem.get(normal(stem, _IMAGE_ENDING)) if stem not in pairs else None
            if match in left:
                pairs[stem] = (image, left.pop(match))
    return (
        {stem: pairs[stem] for stem in images if stem in pairs},
        [images[s] for s in images if s not in pairs],
        [*left.values()],
    )


def _bare(stem, ending):
    folder, slash, name = stem.casefold().rpartition("/")
    return folder + slash + ending.sub("", name)


def find_folders(root, images=None, annotations=None):
    """The `Listing` of folders of images and masks, None where there are none; of those two that a person names.

    Where a folder of masks alone is named, the images are those of `root` outside of it.
    """
    if annotations and annotations.is_dir():
        folder = images or _images_beside(root, annotations)
        if folder:
            return _paired(root, [("", folder, annotations)])
    for folder in and_below(root):
        for there in (_pairs_of_folders(folder), _split_folders(folder), _beside(folder)):
            if there:
                return _paired(folder, there)
    return None


def _images_beside(root, masks):
    """The folder of the images of a named folder of masks: the first whose images have masks there, None without any.

    That is one in `root` by its name, `root`, or the one below it that holds them all.
    """
    outside = list(_images_outside(root, masks).values())
    if not image_files(masks) or json_files(masks) or not outside:  # labelme's, perhaps, beside copies of the images
        return None
    common = Path(os.path.commonpath([path.parent for path in outside]))
    folders = [folder for folder in (_choose(subfolders(root), IMAGE_FOLDERS), root, common) if folder]
    paired = (folder for folder in folders if pair_stems(_images_outside(folder, masks), image_files(masks))[0])
    return next(paired, common)


def _images_outside(folder, masks):
    """`image_files` without those in the folder of masks."""
    found, masks = image_files(folder), masks.resolve()
    if not masks.is_relative_to(folder.resolve()):
        return found
    inner = folder / masks.relative_to(folder.resolve())
    return {stem: path for stem, path in found.items() if inner not in path.parents}


def and_below(root):
    """The folder itself, then those up to two levels below where a level has one folder only."""
    for _ in range(_DEPTH + 1):
        yield root
        below = list(subfolders(root).values())
        if len(below) != 1:
            return
        root = below[0]


def subfolders(folder):
    """Name in lower case -> folder, hidden ones left out."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return {}
    return {path.name.lower(): path for path in entries if path.is_dir() and not path.name.startswith((".", "__"))}


def _choose(there, names):
    """The first folder of these names that holds images."""
    return next((there[name] for name in names if name in there and image_files(there[name])), None)


def _pairs_of_folders(folder):
    """[("", images, masks)] of two folders beside each other, or []."""
    there = subfolders(folder)
    images, masks = _choose(there, IMAGE_FOLDERS), _choose(there, MASK_FOLDERS)
    return [("", images, masks)] if images and masks else []


def _split_folders(folder):
    """[(split, images, masks)] of train/images and train/masks."""
    found = []
    for name, inside in subfolders(folder).items():
        if name in SPLIT_NAMES:
            found += [(SPLIT_NAMES[name], images, masks) for _, images, masks in _pairs_of_folders(inside)]
    return found


def _beside(folder):
    """[(split, images, masks)] of train and train_masks, or trainannot."""
    there, found = subfolders(folder), []
    for name, images in there.items():
        if name in SPLIT_NAMES:
            endings = [f"{joint}{ending}" for ending in (*MASK_FOLDERS, "annot") for joint in ("_", "-", "")]
            masks = _choose(there, [name + ending for ending in endings])
            found += [(SPLIT_NAMES[name], images, masks)] if masks else []
    return found


def _paired(root, folders):
    pairs, splits, unpaired = {}, {}, []
    for split, image_folder, mask_folder in folders:
        masks = _masks_among(image_files(mask_folder))
        found, images, others = pair_stems(_images_outside(image_folder, mask_folder), masks)
        unpaired += [Problem("image without mask", path, f"has no mask in {mask_folder.name}") for path in images]
        unpaired += [Problem("mask without image", path, f"has no image in {image_folder.name}") for path in others]
        for stem, (image, mask) in found.items():
            id = f"{split}/{stem}" if split else stem
            pairs[id] = Pair(id, image, MaskFile(mask))
            if split:
                splits.setdefault(split, []).append(id)
    if not pairs:
        _, images, masks = folders[0]
        raise UserError(
            f"no image in {images} has a mask in {masks}, whose name must be the same; {examples(unpaired)}"
        )
    splits, notes, problems = split_up(root, pairs, splits, having="a mask")
    return Listing(root, "folders", pairs, splits, None, tuple(unpaired), problems, notes)


def _masks_among(files):
    """Those of them that hold class ids, of the several files that Cityscapes has for an image."""
    masks = {stem: path for stem, path in files.items() if not _OTHER_MASKS.search(stem)}
    trained = [stem for stem in masks if stem.endswith("_labelTrainIds")]
    return {stem: masks[stem] for stem in trained} if trained else masks
