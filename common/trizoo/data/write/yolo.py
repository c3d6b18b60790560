"""YOLO's layout as Ultralytics reads it: images/SPLIT, labels/SPLIT with a text file an image, and data.yaml."""

import numpy as np
import yaml

from trizoo.data.masks.pair import BACKGROUND
from trizoo.data.write.content import hard_link_notes, write_lines
from trizoo.data.write.outlines import outlines
from trizoo.ground.conventions import IGNORE

_DIGITS = 12  # of a share: whole pixels come back as whole pixels, to the last bit


def write_yolo(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    An image is in one split, train before val before test before any other. data.yaml has the names and the folders
    seen from its own; without a split train, trainval stands under train. An image without objects has an empty file.

    Boxes: label, centre, width and height in shares of the image's sides. Difficult objects are objects like others,
    crowds are left out. Masks: label and outline of each connected region (see `trizoo.data.write.outlines`), which
    give the same mask when they are filled by the even-odd rule; the background is no class, and ignored pixels become
    background. Where there is no class background, data.yaml says so (background: false).
    """
    splits, notes = content.once()
    first = 1 if content.mask and content.classes[0] == BACKGROUND else 0
    folders = {place: split for split, places in splits.items() for place in places}
    for split in splits:
        for name in ("images", "labels"):
            (folder / name / split).mkdir(parents=True)

    def write(place):
        split, record = folders[place], content.records[place]
        hard = content.put_image(place, folder / "images" / split)
        if content.mask:
            mask = content.mask(place)
            lines, counts = _outlines(mask, first), (int((mask == IGNORE).any()), 0)
        else:
            lines, counts = _boxes(record), (int((record.difficult & ~record.crowd).sum()), int(record.crowd.sum()))
        write_lines(folder / "labels" / split / f"{content.names[place]}.txt", lines)
        return hard, *counts

    hard, flagged, crowds = zip(*content.each(write, sorted(folders)), strict=True)
    keys = {split: "train" if split == "trainval" and "train" not in splits else split for split in splits}
    config = {keys[split]: f"images/{split}" for split in splits}
    config["nc"] = len(content.classes) - first
    config["names"] = dict(enumerate(content.classes[first:]))
    if content.without_background:
        config["background"] = False
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False, width=1 << 20)
    (folder / "data.yaml").write_text(text, encoding="utf-8", newline="\n")
    notes += [*content.left_out(), *hard_link_notes(hard)]
    if sum(flagged) and content.mask:
        become = "in no outline, which other tools take for background" if content.without_background else "background"
        notes.append(f"YOLO knows no ignored pixels, so these are {become}; masks that have some: {sum(flagged)}")
    elif sum(flagged):
        notes.append(f"YOLO has no flag for difficult objects, so these are like others: {sum(flagged)}")
    if sum(crowds):
        notes.append(f"YOLO knows no crowds, so these are left out: {sum(crowds)}")
    if "train" not in config or "val" not in config:
        lacking = " and ".join(name for name in ("train", "val") if name not in config)
        notes.append(f"there is no split {lacking}, without which other tools may refuse data.yaml")
    return notes


def _boxes(record):
    """The lines of an image's boxes."""
    boxes = np.asarray(record.boxes, np.float64)[~record.crowd]
    sides = boxes[:, 2:] - boxes[:, :2]
    shares = np.concatenate([boxes[:, :2] + sides / 2, sides], axis=1) / np.tile(record.size, 2)
    labels = record.labels[~record.crowd].tolist()
    return [f"{label} {_numbers(row)}" for label, row in zip(labels, shares.tolist(), strict=True)]


def _outlines(mask, first):
    """The lines of the regions of a mask's classes; first: the lowest class id that is one."""
    height, width = mask.shape
    lines = []
    for label in np.unique(mask).tolist():
        if first <= label < IGNORE:
            found = outlines(mask == label)
            lines += [f"{label - first} {_numbers((outline / (width, height)).ravel().tolist())}" for outline in found]
    return lines


def _numbers(values):
    return " ".join(f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".") for value in values)
