"""Data sets with boxes, whatever their format: records of a split, samples, and what was wrong with them."""

import numpy as np

from trizoo.data.class_names import class_name
from trizoo.data.images import in_threads, read_image, read_size
from trizoo.data.reading import Problem
from trizoo.ground.boxes import area, clip
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record, Sample
from trizoo.ground.text import first_few, hint


class BoxSet:
    """Images and boxes of a data set, or of one split of it.

    Boxes are clipped to the image's real size, taken as drawn on the upright image.

    Args:
        listing: a `trizoo.data.boxes.listing.Listing`
        split: a name among its splits, None for every image that is annotated
        classes: names in the order of their labels, None for the listing's own, else for all names in the annotations
            of the whole data set, sorted, so that splits agree

    Attributes:
        root: the listing's
        layout: the listing's
        records: list of `Record`
        problems: list of `Problem`: what was put right or left out
        notes: list of sentences worth a line in a log

    Raises:
        UserError: for an unknown or empty split, missing images and annotations (a missing file is an error; an
            annotation without objects is an image without objects), unreadable files, and names that aren't among
            `classes`
    """

    def __init__(self, listing, split=None, classes=None):
        if isinstance(classes, str):
            raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
        self.root, self.layout, self.split = listing.root, listing.layout, split
        self.notes = [] if split is None else list(listing.lists.notes)
        self.problems = list(listing.problems)
        ids = self._ids(listing)
        self._require(ids, listing.annotations, listing.annotation_folder)
        classes = listing.classes if classes is None else classes
        annotations = {id: listing.read(id) for id in (listing.annotations if classes is None else ids)}
        if classes is None:
            classes = sorted({named.name for annotation in annotations.values() for named in annotation.objects})
        self.classes = tuple(classes)
        if len(set(self.classes)) < len(self.classes):
            raise UserError(f"a class is named twice in {', '.join(self.classes)}")
        images = {id: listing.image_of(id, annotations[id]) for id in ids}
        self._require(ids, {id for id, path in images.items() if path}, listing.image_folder)
        sizes = in_threads(read_size, images.values())
        labels = {text: label for label, name in enumerate(self.classes) for text in (name, class_name(name))}
        self.records = [
            self._record(id, images[id], size, annotations[id], labels) for id, size in zip(ids, sizes, strict=True)
        ]
        if suspicion := shares_suspected(record.boxes for record in self.records):
            self.notes.append(f"{self.root}: {suspicion}")

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        """Image, boxes and labels of `records[index]` as a `Sample`.

        With `at_least=(width, height)` a JPEG may be decoded smaller, but no smaller than that (see `read_image`), and
        the boxes are scaled with it. Raises UserError for an unreadable image.
        """
        record = self.records[index]
        image = read_image(record.image, at_least)
        height, width = image.shape[:2]
        scale = np.array([width / record.size[0], height / record.size[1]] * 2, np.float32)
        return Sample(image, record.boxes * scale, record.labels.copy())

    def _ids(self, listing):
        """The ids of the split, each once."""
        if self.split is None:
            ids, source = sorted(listing.annotations), self.root
        else:
            splits = listing.splits
            if self.split not in splits:
                raise UserError(f"{self.root} has no split {self.split!r}; there are {', '.join(sorted(splits))}")
            ids, source = splits[self.split], listing.lists.files.get(self.split, self.root)
        if not ids:
            which = f"split {self.split!r} of " if self.split and source == self.root else ""
            raise UserError(f"{which}{source} lists no images")
        unique = list(dict.fromkeys(ids))
        if len(unique) < len(ids):
            text = f"{len(ids) - len(unique)} ids stand more than once and count once"
            self.problems.append(Problem("listed twice", source, text))
        return unique

    def _require(self, ids, present, folder):
        missing = [id for id in ids if id not in present]
        if missing:
            which = f"of split {self.split!r} " if self.split else ""
            raise UserError(
                f"{len(missing)} of {len(ids)} images {which}have no file in {folder or self.root}: "
                f"{first_few(missing)}"
            )

    def _record(self, id, image, size, annotation, labels):
        for named in annotation.objects:
            if named.name not in labels:
                raise UserError(self._unknown(named, annotation.file))
        boxes, kept, problems = clip_to_image(annotation, size)
        self.problems += [*annotation.problems, *problems]
        objects = [annotation.objects[index] for index in kept]
        return Record(
            id,
            image,
            size,
            boxes,
            np.array([labels[named.name] for named in objects], np.int64),
            np.array([named.difficult for named in objects], bool),
            np.array([named.crowd for named in objects], bool),
        )

    def _unknown(self, named, file):
        """The sentence about an object of no known class."""
        known = f"the classes are {first_few(self.classes)}" if self.classes else "no class is given"
        where = f"{file}, {named.where}" if named.where else file
        return f"{where}: unknown class {named.name!r}{hint(named.name, self.classes)}; {known}"


def clip_to_image(annotation, size):
    """Annotated objects on an image of size (width, height): clipped boxes, which objects they are, and problems.

    Gives boxes float32 (K, 4), every one with an area, and the indices (K,) of their objects. A box that reaches over
    the edge by one pixel at most is no problem: tools that count from 0 write such.
    """
    written = np.array([named.box for named in annotation.objects], np.float64).reshape(-1, 4)
    if annotation.relative:
        written *= [*size, *size]
    boxes = clip(written, *size).astype(np.float32)
    has_area = area(boxes) > 0
    overhang = np.abs(written - boxes).max(axis=1, initial=0)
    problems = []
    for index in np.flatnonzero(~has_area | (overhang > 1)):
        named = annotation.objects[index]
        verdict = "and is clipped" if has_area[index] else "altogether and is left out"
        corners = ", ".join(f"{side:g}" for side in written[index])
        text = f"{named.name} ({corners}) lies outside the {size[0]}x{size[1]} image {verdict}"
        problems.append(Problem("box outside the image", annotation.file, named.located(text)))
    kept = np.flatnonzero(has_area)
    return boxes[kept], kept, problems


def shares_suspected(boxes):
    """The sentence about clipped boxes of many images, arrays (N, 4), that all lie in the first pixel; else None.

    Coordinates from 0 to 1 look so where pixels are expected.
    """
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    if not len(boxes) or boxes.max() > 1:
        return None
    which = f"all {len(boxes):,} boxes are" if len(boxes) > 1 else "the only box is"
    return f"{which} smaller than a pixel; are these shares of the image's size?"
