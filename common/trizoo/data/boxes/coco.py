"""COCO's JSON files of instances, read for their boxes.

Limits: 4 GiB. A file of 64 MiB is read within 600 MiB and 10 seconds, larger ones in proportion.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trizoo.data.boxes.coco_file import CocoBoxes, read_boxes
from trizoo.data.boxes.listing import Annotation, Listing
from trizoo.data.coco_files import FileImages, find_files, is_named_as_panoptic
from trizoo.data.finding import named_place
from trizoo.data.image_tree import ImageTree, bare_id, parts_of
from trizoo.data.reading import Problem
from trizoo.data.splits import Lists, find_lists
from trizoo.ground.conventions import BACKGROUND_NAMES
from trizoo.ground.text import first_few

_SEGMENTS = re.compile(r"(?:^|/)panoptic_[^/]*/")  # in ids of pictures that are no photos


def find_coco(root, images=None, annotations=None):
    """The `Listing` of the boxes in COCO's files, None where there are none.

    The files are instances_NAME.json, NAME.coco.json, or any others that look so; each has up to 4 GiB. Their images
    are found by name wherever they lie below the root, and their ids are where they lie. What an image has in several
    files counts together, an object that stands in two of them once.

    Splits are what the files' names or folders say. Where only some say one, the images of the others are the split
    train, unless there is one or a file with a split has them too. Where none does, lists, folders or a hash of each
    id make them (see `trizoo.data.splits.find_lists`).

    Classes are the categories of all files by id; where files number them differently, in the order of the files, that
    of train first. A category without objects is no class where it is called background, or is the supercategory of
    another one, as the first of Roboflow's is. `ignore` counts as VOC's difficult: trained on and not counted, while
    pycocotools takes no notice of it.

    Raises:
        UserError: where a file can't be read as COCO's; see `trizoo.data.boxes.coco_file.read_boxes`
    """
    files = _read(root, annotations)
    return listing_of(root, files, images, "coco") if files else None


def listing_of(root, files, images, layout):
    """The `Listing` of a list of `CocoBoxes`, whose images are found below `images`, or the root."""
    return replace(_Placed(root, files, images).listing(), layout=layout)


@dataclass(frozen=True)
class Numbers:
    """What a COCO file calls images and classes.

    Args:
        images: id of a record -> the file's own id
        categories: class -> the file's id of its category
    """

    path: Path
    images: dict
    categories: dict


def file_numbers(root, images, annotations, ids):
    """The `Numbers` of the COCO file that has all images of these ids, None where no single one has.

    Args:
        root, images, annotations: as of `trizoo.data.boxes.find.find_boxes`
        ids: of records
    """
    root = Path(root)
    images, annotations = named_place(root, images, "images"), named_place(root, annotations, "annotations")
    for file in _Placed(root, _read(root, annotations), images).files:
        numbers = {id: file.boxes.image_ids[row] for row, id in reversed([*enumerate(file.ids)])}
        if numbers.keys() >= {*ids}:
            categories = {name: number for number, name in reversed(file.boxes.categories.items())}
            return Numbers(file.boxes.path, {id: numbers[id] for id in ids}, categories)
    return None


def _read(root, annotations):
    """The `CocoBoxes` of all files."""
    paths = [path for path in find_files(root, annotations) if not is_named_as_panoptic(path)]
    return [boxes for boxes in map(read_boxes, paths) if boxes is not None]


@dataclass(frozen=True)
class _File:
    """A file whose images have ids.

    Args:
        ids: of its images in their order; several may have one
    """

    boxes: CocoBoxes
    split: str | None
    ids: list[str]


class _Placed:
    """Files and the images that they name.

    Attributes:
        files: list of `_File`, that of the split train first
        images: id -> file, those that no COCO file names too
    """

    def __init__(self, root, files, folder):
        self.root, self.folder = root, folder
        tree = ImageTree(folder or root)
        self.images = {id: path for id, path in tree.by_id.items() if not _SEGMENTS.search(id)}
        self._ids = {path: id for id, path in tree.by_id.items()}
        for path, _ in tree.doubles:  # a.png beside a.jpg
            self._ids[path] = path.relative_to(tree.folder).as_posix()
        self._missing, self._used = {}, {*self._ids.values()}
        self.files = [self._place(boxes, FileImages(tree, boxes.path, root)) for boxes in files]
        self.files.sort(key=lambda file: (file.split != "train", file.boxes.path))

    def _place(self, boxes, finder):
        ids = []
        for name, path in zip(boxes.file_names, finder.find(boxes.file_names), strict=True):
            if path is None:
                ids.append(self._id_of_missing(name, finder.split))
            else:
                ids.append(self._ids[path])
                self.images[ids[-1]] = path
        return _File(boxes, finder.split, ids)

    def _id_of_missing(self, name, split):
        """An id that no image has, the same for the same name in a split."""
        if (name, split) not in self._missing:
            whole = "/".join(parts_of(name)) or "image without a name"
            bare = bare_id(whole)
            id = f"{split}/{bare}" if split and not bare.startswith(f"{split}/") else bare
            while id in self._used:
                id, whole = whole, f"{whole}?"
            self._missing[name, split] = id
            self._used.add(id)
        return self._missing[name, split]

    def listing(self):
        """The `Listing`."""
        sources = {}
        for file in self.files:
            for row, id in enumerate(file.ids):
                sources.setdefault(id, []).append((file.boxes, row))
        classes, notes = self._classes()
        lists = self._lists(list(sources))
        outlined = sum(file.boxes.outlined for file in self.files)
        if outlined:
            notes.append(f"{outlined} objects have an outline and no box; its bounds are their boxes")
        return Listing(
            self.root,
            "coco",
            self.images,
            {id: places[0][0].path for id, places in sources.items()},
            lambda id: _annotation(sources[id]),
            Lists(lists.ids, lists.files, (*lists.notes, *notes), lists.error),
            classes,
            tuple(problem for file in self.files for problem in (*file.boxes.others, *_twice(file))),
            image_folder=self.folder,
            annotation_folder=self.files[0].boxes.path if len(self.files) == 1 else None,
        )

    def _classes(self):
        """The names of classes in order, and notes."""
        files = [file.boxes for file in self.files]
        names = {name: number for boxes in reversed(files) for number, name in boxes.categories.items()}
        numbered = {number: name for boxes in files for number, name in boxes.categories.items()}
        order = list(dict.fromkeys(name for boxes in files for name in boxes.categories.values()))
        if all(
            names[name] == number and numbered[number] == name for b in files for number, name in b.categories.items()
        ):
            order.sort(key=lambda name: (isinstance(names[name], str), names[name]))
        notes = []
        sets = {frozenset(boxes.categories.values()) for boxes in files if boxes.categories}
        if len(sets) > 1:
            lacking = sorted(frozenset.union(*sets) - frozenset.intersection(*sets))
            notes.append(
                f"the COCO files have different categories, all of them are classes; not all have {first_few(lacking)}"
            )
        used = {list(b.categories.values())[label] for b in files for label in np.unique(b.labels)}
        parents = frozenset().union(*(boxes.parents for boxes in files))
        for name in [name for name in order if name not in used]:
            ground = name.casefold() in BACKGROUND_NAMES
            if ground or name in parents:
                what = "means no object" if ground else "is what the supercategory of others is called"
                notes.append(f"the category {name} has no objects and {what}, so it is no class")
                order.remove(name)
        return tuple(order), notes

    def _lists(self, ids):
        """The `Lists` of all ids that are annotated."""
        splits, files = {}, {}
        for file in self.files:
            if file.split:
                splits.setdefault(file.split, {}).update(dict.fromkeys(file.ids))
                files.setdefault(file.split, file.boxes.path)
        if not splits:
            return find_lists(self.root, ids, others=self.images)
        listed = set().union(*splits.values())
        rest = [id for id in ids if id not in listed]
        notes = ()
        if rest and not {"train", "trainval"} & splits.keys():
            splits["train"] = rest
            notes = (f"no COCO file says that it is for training, so the {len(rest)} images that are in no split are",)
        return Lists({name: list(ids) for name, ids in splits.items()}, files, notes)


def _annotation(places):
    """The `Annotation` of an image that stands in these (`CocoBoxes`, row)."""
    objects, problems, known, size = [], [], set(), None
    for boxes, row in places:
        found = boxes.objects(row)
        objects += [named for named in found if (named.name, named.box) not in known]
        known.update((named.name, named.box) for named in found)
        problems += boxes.problems.get(row, ())
        size = size or (tuple(boxes.sizes[row].tolist()) if boxes.sizes[row].all() else None)
    return Annotation(places[0][0].path, tuple(objects), tuple(problems), size=size)


def _twice(file):
    """A problem where images of a file have one id."""
    count = len(file.ids) - len(set(file.ids))
    if not count:
        return []
    seen = set()
    names = [name for name, id in zip(file.boxes.file_names, file.ids, strict=True) if id in seen or seen.add(id)]
    text = f"{count} images stand there under another id too, and their objects count together: {first_few(names)}"
    return [Problem("listed twice", file.boxes.path, text)]
