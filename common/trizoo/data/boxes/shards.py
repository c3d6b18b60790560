"""Boxes in tar shards: beside each image JSON of the same key, with its boxes and the names of their classes.

Limits: 100,000 files a shard, 64 KiB a header, 4 MiB of JSON an image: within 300 MiB and 10 seconds a shard.
"""

import msgspec

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.boxes.rows import FARTHEST
from trizoo.data.class_names import class_name
from trizoo.data.members import byte_size, open_file
from trizoo.data.name_files import find_names
from trizoo.data.reading import Problem
from trizoo.data.shard_files import read_shards
from trizoo.ground.errors import UserError

_MOST_BYTES = 4 << 20  # of the JSON of an image


class _Content(msgspec.Struct):
    boxes: list[tuple[float, float, float, float]]
    labels: list[str | int]
    difficult: list[bool] = []
    crowd: list[bool] = []
    size: tuple[int, int] | None = None


def find_shards(root, images=None, annotations=None):
    """The `Listing` of the boxes in tar shards, None where there are none.

    A file of names in their folder (see `trizoo.data.name_files.find_names`) says the classes, and what labels that are
    numbers mean.
    """
    shards = None if images or annotations else read_shards(root)
    if shards is None:
        return None
    samples = shards.samples
    annotated = {id: sample.json for id, sample in samples.items() if sample.json}
    if not annotated or not _has_boxes(next(iter(annotated.values()))):
        return None
    named = find_names([shards.root])
    images = {id: sample.image for id, sample in samples.items() if sample.image}
    return Listing(
        shards.root,
        "shards",
        images,
        annotated,
        lambda id: _read(annotated[id], named),
        shards.lists(annotated, others=images),
        named and named.names,
        shards.problems,
    )


def _has_boxes(path):
    """Whether a sample's JSON is about boxes, or can't be read, which is told where it is."""
    try:
        _decoded(path)
    except UserError:
        return b'"boxes"' in _bytes(path)
    return True


def _read(path, named):
    """The `Annotation` of an image; named: the `ClassNames`, None without a file of names."""
    content = _decoded(path)
    count = len(content.boxes)
    for what, values in (("labels", content.labels), ("difficult", content.difficult), ("crowd", content.crowd)):
        if len(values) != count and (values or what == "labels"):
            raise UserError(f"{path} has {count} boxes and {len(values)} of {what}; one for each box is needed")
    flags = (content.difficult or [False] * count, content.crowd or [False] * count)
    objects, problems = [], []
    for number, (box, label, *marks) in enumerate(zip(content.boxes, content.labels, *flags, strict=True)):
        where = f"box {number}"
        name = _name(label, named, path)
        (left, right), (top, bottom) = sorted(box[::2]), sorted(box[1::2])
        shown = f"{where}: {name} ({', '.join(f'{value:g}' for value in box)})"
        if not name:
            problems.append(Problem("object without name", path, f"{where}: an object without a class is left out"))
        elif not all(abs(value) < FARTHEST for value in box):
            problems.append(Problem("object without box", path, f"{shown} is out of reach and is left out"))
        elif left == right or top == bottom:
            problems.append(Problem("box without area", path, f"{shown} has no area and is left out"))
        else:
            if (left, top, right, bottom) != box:
                problems.append(Problem("swapped corners", path, f"{shown} has its corners swapped"))
            objects.append(AnnotatedObject(name, (left, top, right, bottom), *marks, where))
    return Annotation(path, tuple(objects), tuple(problems), size=content.size)


def _name(label, named, path):
    """The name of a class. Raises UserError for a number without a file of names."""
    if isinstance(label, str):
        try:
            return class_name(label)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    if named is None:
        raise UserError(f"{path} has the label {label}, and no file says its name; labels.txt beside the shards would")
    return named.name_of(label)


def _decoded(path):
    """The JSON of an image. Raises UserError for what isn't of boxes."""
    try:
        return msgspec.json.decode(_bytes(path), type=_Content)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f'{path} isn\'t what shards say of boxes, {{"boxes": [[xmin, ymin, xmax, ymax]], "labels": ["cat"]}}: '
            f"{error}"
        ) from error


def _bytes(path):
    """What a file within a shard holds. Raises UserError for one that is too large."""
    size = byte_size(path)
    if size > _MOST_BYTES:
        raise UserError(f"{path} has {size:,} bytes; JSON of an image's boxes has at most {_MOST_BYTES:,}")
    try:
        with open_file(path) as file:
            return file.read()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
