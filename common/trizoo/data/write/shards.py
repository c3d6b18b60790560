"""Tar shards as webdataset reads them: an image and what is known of it under one key, and lists of splits."""

import io
import json
import tarfile
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from trizoo.data.members import byte_size, open_file
from trizoo.data.write.content import file_names, in_order, write_lines, write_lists
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import palette_image

_IN_NO_SPLIT = "other"  # what shards of images in no split are called


def write_shards(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    `train-000000.tar` … hold the images of train in their order, each of at most `content.shard_size` bytes and one
    sample. An image of several splits is in the shards of one, by the order of `Content.once`; splits says what all
    of them have. Names of classes are in labels.txt.

    Boxes: `a.json`, exact, with names of classes, difficult, crowd and the image's size. Masks: `a.mask.png`, a palette
    PNG of class ids. A key ends at its first dot, so dots in names become _.
    """
    if content.link:
        raise UserError("shards hold the images themselves, so nothing can be linked; leave --link out")
    keys = file_names([name.replace(".", "_") for name in content.names])
    notes = [f"a key holds no dots, so dots in names are _: {changed}"] if (changed := _changed(content, keys)) else []
    content = replace(content, names=keys)
    write_lists(folder / "splits", content)
    write_lines(folder / "labels.txt", content.classes)
    splits = {**content.once()[0], **({_IN_NO_SPLIT: content.in_no_split} if content.in_no_split else {})}
    order = [(split, place) for split, places in in_order(splits).items() for place in places]
    shards = _Shards(folder, content.shard_size)
    with shards.closed():
        for split, place in content.watch(iter(order), len(order), "images"):
            shards.add(split, content.names[place], _files(content, place))
    return notes


def _changed(content, keys):
    return sum(key != name for key, name in zip(keys, content.names, strict=True))


def _files(content, place):
    """Suffix -> bytes, or the path of a file, of a sample."""
    record = content.records[place]
    suffix = record.image.suffix.lower()
    if content.mask:
        file = io.BytesIO()
        palette_image(content.mask(place)).save(file, "PNG")
        return {suffix: record.image, ".mask.png": file.getvalue()}
    return {suffix: record.image, ".json": _of_boxes(record, content.classes)}


def _of_boxes(record, classes):
    entry = {
        "size": list(record.size),
        "boxes": np.asarray(record.boxes, np.float64).tolist(),
        "labels": [classes[label] for label in record.labels],
        "difficult": record.difficult.tolist(),
        "crowd": record.crowd.tolist(),
    }
    return json.dumps(entry, ensure_ascii=False).encode()


class _Shards:
    """The shards of a folder, of which one is open at a time."""

    def __init__(self, folder, most):
        self._folder, self._most = folder, most
        self._split, self._number, self._tar = None, 0, None

    @contextmanager
    def closed(self):
        """Closes the last shard when the block ends."""
        try:
            yield
        finally:
            if self._tar is not None:
                self._tar.close()

    def add(self, split, key, files):
        """Adds a sample to the split's open shard, or to its next where it would be too large."""
        sizes = {suffix: len(data) if isinstance(data, bytes) else byte_size(data) for suffix, data in files.items()}
        new = sum(tarfile.BLOCKSIZE + size + -size % tarfile.BLOCKSIZE for size in sizes.values())
        if split != self._split or self._tar.offset + new > self._most:
            self._number = self._number + 1 if split == self._split else 0
            self._split = split
            if self._tar is not None:
                self._tar.close()
            path = self._folder / f"{split}-{self._number:06d}.tar"
            self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 (closed by `closed`)
        for suffix, data in files.items():
            info = tarfile.TarInfo(key + suffix)
            info.size = sizes[suffix]
            with io.BytesIO(data) if isinstance(data, bytes) else open_file(data) as file:
                self._tar.addfile(info, file)
        self._tar.members.clear()  # which it keeps of all files
