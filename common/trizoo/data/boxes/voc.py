"""VOC-layout data sets, read directly from the user's tree: JPEGImages, Annotations, SegmentationClass, ImageSets."""

import numpy as np

from trizoo.data.boxes.voc_annotation import AnnotatedObject, Annotation, read_annotation
from trizoo.data.images import in_threads, read_image, read_mask, read_size
from trizoo.data.reading import Problem
from trizoo.data.voc_files import find_root, list_files, read_splits, splits
from trizoo.ground.boxes import area, clip
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record, Sample
from trizoo.ground.text import first_few, hint

__all__ = ["VOC", "AnnotatedObject", "Annotation", "Problem", "find_root", "read_annotation", "splits"]


class VOC:
    """A VOC data set, or one split of it.

    root: where it is, or a folder above (see `find_root`); split: a name among `splits(root)`, None for every image
    that has an annotation; classes: names in the order of their labels, None for all names in the annotations of
    the whole data set, sorted, so that splits agree; masks: None gives masks where there are any, False none, True
    makes a mask a must and an annotation optional, and takes the split from ImageSets/Segmentation where that exists;
    ignore: names whose objects are left out on purpose.

    records: list of `Record`; boxes are clipped to the image's real size, taken as drawn on the upright image
    problems: list of `Problem`: what was put right or left out; notes: list of sentences worth a line in a log

    Raises UserError for an unknown or empty split, missing images and annotations (a missing file is an error; an
    annotation without objects is an image without objects), unreadable files, and names that aren't among `classes`.
    """

    def __init__(self, root, split=None, classes=None, *, masks=None, ignore=()):
        if isinstance(classes, str) or isinstance(ignore, str):
            raise ValueError(f"classes is {classes!r} and ignore {ignore!r}; sequences of names are needed")
        self.root = find_root(root)
        self.split = split
        self.problems = []
        files = list_files(self.root)
        ids, self.notes = self._ids(files, masks)
        self._require(ids, files.masks if masks else files.annotations, "SegmentationClass" if masks else "Annotations")
        parsed = [id for id in ids if id in files.annotations] if classes is not None else files.annotations
        annotations = {id: read_annotation(files.annotations[id]) for id in parsed}
        if classes is None:
            names = {named.name for annotation in annotations.values() for named in annotation.objects}
            classes = sorted(names - set(ignore))
        self.classes = tuple(classes)
        if len(set(self.classes)) < len(self.classes):
            raise UserError(f"a class is named twice in {', '.join(self.classes)}")
        self._labels = {name: label for label, name in enumerate(self.classes)} | dict.fromkeys(ignore, None)
        images = {id: files.image_of(id, annotations.get(id)) for id in ids}
        self._require(ids, {id: path for id, path in images.items() if path}, "JPEGImages")
        sizes = in_threads(read_size, images.values())
        self.records = [
            self._record(id, images[id], size, annotations.get(id), None if masks is False else files.masks.get(id))
            for id, size in zip(ids, sizes, strict=True)
        ]

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        """Image, boxes, labels and mask of `records[index]` as a `Sample`.

        With `at_least=(width, height)` a JPEG may be decoded smaller, but no smaller than that (see `read_image`), and
        the boxes are scaled with it; an image with a mask is always decoded in full, so that their pixels agree.
        Raises UserError for an unreadable image or mask, and for a mask of another size than its image.
        """
        record = self.records[index]
        image = read_image(record.image, at_least if record.mask is None else None)
        height, width = image.shape[:2]
        mask = None
        if record.mask is not None:
            mask = read_mask(record.mask)
            if mask.shape != (height, width):
                raise UserError(
                    f"mask {record.mask} is {mask.shape[1]}x{mask.shape[0]} but its image is {width}x{height}"
                )
        scale = np.array([width / record.size[0], height / record.size[1]] * 2, np.float32)
        return Sample(image, record.boxes * scale, record.labels.copy(), mask)

    def _ids(self, files, masks):
        """The ids of the split, each once, and the notes."""
        if self.split is None:
            ids, notes, source = sorted(files.masks if masks else files.annotations), [], self.root
        else:
            found, notes = read_splits(files, masks is True)
            if self.split not in found:
                raise UserError(f"{self.root} has no split {self.split!r}; there are {', '.join(sorted(found))}")
            ids, source = found[self.split], files.split_folder(masks is True) / f"{self.split}.txt"
        if not ids:
            raise UserError(f"{source} lists no images")
        unique = list(dict.fromkeys(ids))
        if len(unique) < len(ids):
            text = f"{len(ids) - len(unique)} ids stand more than once and count once"
            self.problems.append(Problem("listed twice", source, text))
        return unique, notes

    def _require(self, ids, present, folder):
        missing = [id for id in ids if id not in present]
        if missing:
            which = f"of split {self.split!r} " if self.split else ""
            raise UserError(
                f"{len(missing)} of {len(ids)} images {which}have no file in {self.root / folder}: {first_few(missing)}"
            )

    def _record(self, id, image, size, annotation, mask):
        if annotation is None:
            return Record(id, image, size, mask=mask)
        objects = [named for named in annotation.objects if self._label(named, annotation.file) is not None]
        boxes, kept, problems = place(objects, size, annotation.file)
        self.problems += [*annotation.problems, *problems]
        labels = np.array([self._labels[named.name] for named in objects], np.int64)[kept]
        difficult = np.array([named.difficult for named in objects], bool)[kept]
        return Record(id, image, size, boxes, labels, difficult, np.zeros(len(boxes), bool), mask)

    def _label(self, named, file):
        if named.name not in self._labels:
            known = f"the classes are {first_few(self.classes)}" if self.classes else "no class is given"
            raise UserError(
                f"{file}, line {named.line}: unknown class {named.name!r}{hint(named.name, self.classes)}; {known}"
            )
        return self._labels[named.name]


def place(objects, size, file):
    """Annotated objects on an image of size (width, height): clipped boxes, which objects they are, and problems.

    Gives boxes float32 (K, 4), every one with an area, and the indices (K,) of their objects. A box that reaches over
    the edge by one pixel at most is no problem: tools that count from 0 write such.
    """
    written = np.array([named.box for named in objects], np.float64).reshape(-1, 4)
    boxes = clip(written, *size).astype(np.float32)
    has_area = area(boxes) > 0
    overhang = np.abs(written - boxes).max(axis=1, initial=0)
    problems = []
    for index in np.flatnonzero(~has_area | (overhang > 1)):
        named = objects[index]
        verdict = "and is clipped" if has_area[index] else "altogether and is left out"
        text = f"line {named.line}: {named.name} ({', '.join(f'{side:g}' for side in named.box)}) lies outside the "
        text += f"{size[0]}x{size[1]} image {verdict}"
        problems.append(Problem("box outside the image", file, text))
    kept = np.flatnonzero(has_area)
    return boxes[kept], kept, problems
