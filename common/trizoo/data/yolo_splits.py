"""What the file that describes a data set with YOLO's labels calls the images of its splits, found in a folder."""

import unicodedata

from trizoo.data.image_tree import LONGEST_PATH, bare_id, parts_of
from trizoo.data.reading import list_entries
from trizoo.data.splits import SPLIT_NAMES, Lists, Names, find_lists
from trizoo.ground.errors import UserError


def _splits_in(path):
    return {SPLIT_NAMES[part] for part in path.casefold().split("/") if part in SPLIT_NAMES}


def may_be_one(path, other):
    """Whether two paths can be of one image: whether not each is of another split."""
    one, two = _splits_in(path), _splits_in(other)
    return not one or not two or bool(one & two)


def with_splits(config, root, folder, labels, images, texts):
    """The labels of those images that count, and the `Lists` of the splits.

    Splits are what the config names, else what `find_lists` finds. One of which no image has a label file is none, as
    of a test whose labels aren't public.

    Args:
        config: a `trizoo.data.yolo_config.Config`, or None
        root: where lists are looked for, if the config names none
        folder: of the images
        labels: id -> label file
        images: id -> path of the image, relative to its folder
        texts: list of (folder, relative path) of the files that may be lists

    Returns:
        id -> label file, None for an image without one that is in a split or has others with one beside it; and the
        lists.
    """
    splits, files, notes = {}, {}, []
    folders = _folders(images)
    for split, entries in (config.splits or {}).items() if config else ():
        for entry in entries:
            if entry.strip().lower().endswith(".txt"):
                path = file_named(entry, config, texts)
                ids = None if path is None else _listed(path, images)
            else:
                path, ids = None, _images_below(_folder_named(entry, config, folder, folders), images)
            if ids is None:
                notes.append(f"{config.path} names {entry!r} for {split}, which isn't in {folder} and is left out")
                continue
            splits.setdefault(split, []).extend(ids)
            if path and len(entries) == 1:
                files[split] = path
    for split, ids in list(splits.items()):
        there = sum(id in images for id in ids)
        if there and not any(labels.get(id) for id in ids):
            notes.append(f"none of the {there} images of {split} has a label file, so it is no split")
            del splits[split]
    beside = {_parent(images[id]) for id in labels if id in images}
    listed = {id for ids in splits.values() for id in ids}
    without = [id for id in images if id not in labels and (id in listed or _parent(images[id]) in beside)]
    labels = {**labels, **dict.fromkeys(without)}
    if splits:
        return labels, Lists(splits, files, tuple(notes))
    found = find_lists(root, labels, others=images)
    return labels, Lists(found.ids, found.files, (*notes, *found.notes), found.error)


def _parent(relative):
    return relative.rpartition("/")[0]


def _folders(images):
    """The folders that images lie in, and those above, "" the first."""
    folders = {"": None}
    for relative in images.values():
        while relative := _parent(relative):
            if relative in folders:
                break
            folders[relative] = None
    return folders


def _listed(path, images):
    """The ids of a list's lines; of what names no image, those that it would have."""
    if not path.is_file():
        raise UserError(f"{path} is no file; a list of images is needed")
    lines = [line for line in list_entries(path) if not line.startswith("#")]
    if any(len(line) >= LONGEST_PATH for line in lines):
        raise UserError(f"{path} has a line of {LONGEST_PATH:,} characters or more, so it is no list of images")
    ids, _ = Names(images).of_lines(lines)
    named = ["/".join(parts_of(line)) or line for line in lines]
    return [
        id if id in images and may_be_one(name, images[id]) else bare_id(name)
        for id, name in zip(ids, named, strict=True)
    ]


def _images_below(folder, images):
    """The ids of the images below a folder, None for None."""
    if folder is None:
        return None
    return [id for id, relative in images.items() if not folder or relative.startswith(f"{folder}/")]


def _folder_named(entry, config, base, folders):
    """The one of the folders below `base` whose path ends most like an entry, None where none does."""
    parts = parts_of(entry)
    wanted = parts or parts_of(config.root)  # "./"
    whole = [_folded(part) for part in [*parts_of(config.root), *parts]]
    above = [_folded(part) for part in base.resolve().parts[1:]]
    own = config.path.parent.relative_to(base).parts if config.path.is_relative_to(base) else ()
    exact = [_folded(part) for part in (*own, *parts)]
    ranked = []
    for folder in folders:
        inside = [_folded(part) for part in folder.split("/") if part]
        agreed = _agreement([*above, *inside], whole)
        if wanted and agreed >= _needed(wanted):
            ranked.append((agreed, inside == exact, -len(inside), folder))
    return max(ranked)[3] if ranked else None if parts else ""


def file_named(entry, config, texts):
    """The file of (folder, relative path) whose path ends most like an entry, None where none does."""
    parts = [_folded(part) for part in parts_of(entry)]
    ranked = []
    for folder, text in texts:
        own = [_folded(part) for part in text.split("/")]
        agreed = _agreement(own, parts)
        if parts and agreed >= _needed(parts):
            ranked.append((agreed, (folder / text).parent == config.path.parent, -len(own), folder / text))
    return max(ranked)[3] if ranked else None


def _folded(part):
    return unicodedata.normalize("NFC", part).casefold()


def _agreement(own, parts):
    """How many of the last parts are the same."""
    same = 0
    for mine, theirs in zip(reversed(own), reversed(parts), strict=False):
        if mine != theirs:
            break
        same += 1
    return same


def _needed(parts):
    """How many of the last parts have to be the same: down to a split's name among the last three."""
    named = [place for place, part in enumerate(reversed(parts[-3:]), start=1) if part.casefold() in SPLIT_NAMES]
    return max(named, default=1)
