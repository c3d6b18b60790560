"""Masks of any layout become VOC's: palette PNG files of class ids, lists of splits, and the names in labels.txt."""

import os
import shutil
from collections import Counter
from pathlib import Path

from trizoo.data.images import in_threads
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import palette_image


def convert(root, out, classes=None, *, mask_map=None, palette=None, ignore_colours=(), **places):
    """Write the data set with masks at `root` into the new folder `out` in VOC layout -> the MaskSet of it.

    The other arguments are those of `trizoo.data.masks.dataset.MaskSet` and of `trizoo.data.masks.find.find_masks`.
    Images are copied as they are. Every split becomes a list in ImageSets/Segmentation, one that was made by hash too.
    Images of several folders keep their names where these differ, else the folders' names come before them (train/a is
    train_a). The folder appears only when everything is in it, and nothing is written over. Raises UserError where
    `out` holds anything, can't be written or lies in `root`, and as those two do.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already, and nothing is written over; name a new folder")
    options = {"mask_map": mask_map, "palette": palette, "ignore_colours": ignore_colours}
    data = find_masks(root, **places).open(None, classes, **options)
    if out.absolute().is_relative_to(data.root.absolute()) and data.layout != "voc":
        raise UserError(f"{out} lies in the data set {data.root} itself; name a folder outside of it")
    names = _names([record.id for record in data.records])
    unfinished = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.tmp")
    try:
        _write(data, names, unfinished)
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        raise UserError(f"data set {out} can't be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return find_masks(out).open(None, data.classes)


def _write(data, names, folder):
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)

    def write(index):
        record = data.records[index]
        name = names[record.id]
        shutil.copyfile(record.image, folder / "JPEGImages" / f"{name}{record.image.suffix.lower()}")
        palette_image(data.mask(index)).save(folder / "SegmentationClass" / f"{name}.png")

    in_threads(write, range(len(data)))
    for split, ids in data.splits.items():
        _write_lines(folder / "ImageSets" / "Segmentation" / f"{split}.txt", [names[id] for id in ids])
    _write_lines(folder / "labels.txt", data.classes)


def _write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _names(ids):
    """Id -> file name without extension: the last part where that is unique, else all parts."""
    last = Counter(id.rpartition("/")[2].casefold() for id in ids)
    names = {}
    for id in ids:
        name = id.rpartition("/")[2]
        names[id] = name if last[name.casefold()] == 1 else id.replace("/", "_")
    twice = [name for name, count in Counter(name.casefold() for name in names.values()).items() if count > 1]
    if twice:
        raise UserError(f"several images would be called {twice[0]}; give them names that differ")
    return names
