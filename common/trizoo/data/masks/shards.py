"""Masks in tar shards: beside each image a picture of class ids of the same key, `a.mask.png` or `a.png`."""

from trizoo.data.masks.listing import Listing
from trizoo.data.masks.pair import MaskFile, Pair
from trizoo.data.reading import Problem
from trizoo.data.shard_files import read_shards
from trizoo.data.splits import split_up


def find_shards(root, images=None, annotations=None):
    """The `Listing` of the masks in tar shards, None where there are none."""
    shards = None if images or annotations else read_shards(root)
    if shards is None:
        return None
    pairs, unpaired = {}, []
    for id, sample in shards.samples.items():
        if sample.image and sample.mask:
            pairs[id] = Pair(id, sample.image, MaskFile(sample.mask))
        elif sample.image:
            unpaired.append(Problem("image without mask", sample.image, "has no mask of its key in its shard"))
        elif sample.mask:
            unpaired.append(Problem("mask without image", sample.mask, "has no image of its key in its shard"))
    if not pairs:
        return None
    lists = shards.lists(pairs)
    splits, notes, listed = lists.ids, lists.notes, ()
    if lists.files or lists.error:
        splits, notes, listed = split_up(shards.root, pairs, {}, having="a mask")
    return Listing(
        shards.root, "shards", pairs, splits, None, tuple(unpaired), (*shards.problems, *listed), tuple(notes)
    )
