"""SBD, the Semantic Boundaries Dataset: VOC's 20 classes as MATLAB files in cls, images in img."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.ids import image_files
from trizoo.data.masks.class_files import VOC_NAMES
from trizoo.data.masks.folders import and_below, pair_stems, subfolders
from trizoo.data.masks.listing import Listing
from trizoo.data.masks.mat_files import read_matrix
from trizoo.data.masks.pair import BACKGROUND, Pair
from trizoo.data.reading import Problem
from trizoo.data.splits import split_up
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError

CLASSES = (BACKGROUND, *VOC_NAMES)


@dataclass(frozen=True)
class SBDMask:
    """A file whose `GTcls.Segmentation` holds the class of each pixel, 0 to 20."""

    path: Path

    def draw(self, labels, size):
        """See `trizoo.data.masks.pair.Drawn`. Raises UserError for a file that holds something else."""
        values = read_matrix(self.path, "GTcls", "Segmentation")
        if values.shape[::-1] != size:
            (height, width), (image_width, image_height) = values.shape, size
            raise UserError(f"mask {self.path} is {width}x{height} but its image is {image_width}x{image_height}")
        if values.min() < 0 or values.max() >= len(CLASSES):
            raise UserError(
                f"mask {self.path} has values from {values.min()} to {values.max()}; SBD's classes are 0 to "
                f"{len(CLASSES) - 1}"
            )
        return np.array([labels.get(name, IGNORE) for name in CLASSES], np.uint8)[values]


def find_sbd(root, images=None, annotations=None):
    """The `Listing` of img and cls, None where there are none, or cls holds no .mat files."""
    for folder in and_below(root):
        there = subfolders(folder)
        # an archive has more than this folder: benchmark_RELEASE/dataset beside benchmark_code_RELEASE
        inside = there.get("dataset") or (there.get("benchmark_release") and there["benchmark_release"] / "dataset")
        for place in filter(None, (folder, inside)):
            found = _listing(place, subfolders(place))
            if found:
                return found
    return None


def _listing(root, there):
    if not {"img", "cls"} <= there.keys():
        return None
    masks = {path.stem: path for path in sorted(there["cls"].glob("*.mat")) if not path.name.startswith(".")}
    if not masks:
        return None
    found, without, others = pair_stems(image_files(there["img"]), masks)
    if not found:
        raise UserError(
            f"no image in {there['img']} has a mask in {there['cls']}, such as {next(iter(masks.values()))}"
        )
    unpaired = [Problem("image without mask", path, "has no mask in cls") for path in without]
    unpaired += [Problem("mask without image", path, "has no image in img") for path in others]
    pairs = {id: Pair(id, image, SBDMask(mask)) for id, (image, mask) in found.items()}
    splits, notes, problems = split_up(root, pairs, {}, having="a mask")
    return Listing(root, "sbd", pairs, splits, CLASSES, tuple(unpaired), problems, tuple(notes))
