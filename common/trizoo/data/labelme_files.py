"""labelme's JSON files: where they are, which image each is of, and what it says."""

import base64
import io
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from trizoo.data.class_names import class_name
from trizoo.data.coco_files import is_named_as_coco
from trizoo.data.image_tree import ImageTree, bare_id, files_below
from trizoo.data.masks.polygons import FARTHEST
from trizoo.data.reading import Problem, begins_with_key, is_pointer, read_bytes
from trizoo.ground.errors import UserError

_MOST_BYTES = 1 << 29  # of a file, most of which is the image itself in base64
_MOST_OF_SHAPES = 1 << 24  # bytes that they take in it
_MOST_MASK_PIXELS = 1 << 26
_MOST_PIXELS = 1 << 28  # of all masks in a file: some seconds
NO_BACKGROUND = "no_background"  # a flag of an image: what no shape covers is no class of its own
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Content(msgspec.Struct):
    """The keys that count; imageData and all others are passed over undecoded."""

    shapes: msgspec.Raw = msgspec.Raw(b"")
    imagePath: object = None  # noqa: N815
    imageWidth: object = None  # noqa: N815
    imageHeight: object = None  # noqa: N815
    flags: object = None


_CONTENT = msgspec.json.Decoder(_Content)


@dataclass(frozen=True)
class Shape:
    """A shape as it is written.

    Args:
        name: its label, "" where it has none
        kind: polygon, rectangle, circle, …; see `trizoo.data.boxes.labelme` and `trizoo.data.masks.labelme`
        points: float64 (N, 2), x and y in continuous pixels; None where they are no such list
        mask: a PNG, of the kind mask; None where there is none
        group: what the shapes of one object have in common, beside their name; None for one of its own
        where: its place in the file, as "shape 3"
    """

    name: str
    kind: str
    points: np.ndarray | None
    mask: bytes | None = None
    group: object = None
    difficult: bool = False
    where: str = ""


@dataclass(frozen=True)
class LabelmeFile:
    """What a labelme file says.

    Args:
        image_name: the path of its image, as it says; the file's own name where it doesn't
        size: (width, height), or None
        background: whether what no shape covers is a class, the background
    """

    path: Path
    image_name: str
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]
    background: bool = True


def read_labelme(path):
    """The `LabelmeFile` of a JSON file. Raises UserError where it is none."""
    path = Path(path)
    content = _decode(path)
    if not bytes(content.shapes).startswith(b"["):
        raise UserError(f"{path} has no list 'shapes', so it is no labelme file")
    if len(bytes(content.shapes)) > _MOST_OF_SHAPES:
        raise UserError(f"{path} has shapes of more than {_MOST_OF_SHAPES >> 20} MB, which no picture needs")
    shapes, pixels = [], 0
    for number, entry in enumerate(_decoded(msgspec.json.decode, content.shapes, path), start=1):
        where = f"shape {number}"
        if not isinstance(entry, dict):
            raise UserError(f"{path}, {where} is {type(entry).__name__} instead of a mapping, so it is no labelme file")
        mask, count = _mask(entry.get("mask")) if entry.get("shape_type") == "mask" else (None, 0)
        shapes.append(_shape(entry, mask, where))
        pixels += count
        if pixels > _MOST_PIXELS:
            raise UserError(f"{path} has masks of more than {_MOST_PIXELS:,} pixels, which no picture needs")
    sides = (content.imageWidth, content.imageHeight)
    size = sides if all(type(side) is int and side > 0 for side in sides) else None
    name = content.imagePath
    if not isinstance(name, str) or not name.strip():
        name = path.stem
    background = not (isinstance(content.flags, dict) and content.flags.get(NO_BACKGROUND) is True)
    return LabelmeFile(path, name, size, tuple(shapes), background)


def _decode(path):
    data = read_bytes(path, _MOST_BYTES, "labelme file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{path} is not UTF-8 text (it is UTF-16); save it as UTF-8")
    return _decoded(_CONTENT.decode, data.removeprefix(_BYTE_ORDER_MARK), path)


def _decoded(decode, data, path):
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    except msgspec.ValidationError as error:
        raise UserError(f"{path} isn't written as labelme files are: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{path} is no JSON ({error}); write it again") from error


def _mask(text):
    """The PNG of a mask in base64 and how many pixels it says it has; None, 0 where it is no such picture."""
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            count = image.width * image.height
    except Exception:  # decoders raise about anything on damaged images
        return None, 0
    return (data, count) if count <= _MOST_MASK_PIXELS else (None, 0)


def mask_pixels(shape):
    """The pixels of a mask, bool (h, w), and where they begin (left, top). Raises ValueError for a damaged one."""
    if shape.points is None or not len(shape.points) or shape.mask is None:
        raise ValueError("no point that it begins at" if shape.mask else "no PNG in base64")
    left, top = np.floor(shape.points.min(axis=0)).astype(int).tolist()
    try:
        with Image.open(io.BytesIO(shape.mask), formats=["PNG"]) as image:
            return np.array(image.convert("L")) > 0, (left, top)
    except Exception as error:  # decoders raise about anything on damaged images
        raise ValueError(f"a damaged PNG ({error})") from error


def _shape(entry, mask, where):
    label, flags, group = entry.get("label"), entry.get("flags"), entry.get("group_id")
    if type(label) is int:
        label = str(label)
    flagged = entry.get("difficult"), isinstance(flags, dict) and flags.get("difficult")
    return Shape(
        class_name(label) if isinstance(label, str) else "",
        str(entry.get("shape_type") or "polygon"),
        _points(entry.get("points")),
        mask,
        group if isinstance(group, int | str) else None,
        any(flag is True or (type(flag) is int and flag == 1) for flag in flagged),
        where,
    )


def _points(points):
    try:
        array = np.array(points, np.float64).reshape(len(points), 2)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if (np.abs(array) < FARTHEST).all() else None


def circle_of(points):
    """The centre (x, y) and the radius of a circle, of which labelme writes the centre and a point on it."""
    return points[0], float(np.hypot(*(points[1] - points[0])))


@dataclass(frozen=True)
class Files:
    """labelme's files and the images by id.

    Args:
        images: those that a file is of, under its id; the others under their own
        annotations: id -> JSON file
        problems: files that are left out, since another has their id or is of the same image
        doubles: images that are left out, since another has their id
    """

    images: dict[str, Path]
    annotations: dict[str, Path]
    problems: tuple[Problem, ...]
    doubles: tuple[Problem, ...]


def find_files(root, images=None, annotations=None):
    """The `Files` below a folder, None where there are none.

    A file is of the image that has its name (see `trizoo.data.image_tree.bare_id`), else of the one that its imagePath
    means; where several images have that name, imagePath decides. A pointer of Git LFS with an image's name counts, and
    is an error where it is read. No image outside of the folder is ever found.

    Args:
        images, annotations: the folders to look in, None = root
    """
    root = Path(root)
    folder = annotations or root
    if not folder.is_dir():
        return None
    relatives, pointers = [], []
    for name in files_below(folder, (".json",)):
        if _is_labelme(folder / name):
            relatives.append(name)
        elif is_pointer(folder / name):
            pointers.append(name)
    if not relatives and not pointers:
        return None
    tree = ImageTree(images or root)
    shared = Counter(map(_last, tree.by_id))
    relatives = sorted([*relatives, *(name for name in pointers if _last(bare_id(name)) in shared)])
    if not relatives:
        return None
    files, problems = {}, []
    for relative in relatives:
        id, path = bare_id(relative), folder / relative
        if id in files:
            text = f"has the same id as {files[id].relative_to(folder).as_posix()}, which is used instead"
            problems.append(Problem("same id", path, text))
        else:
            files[id] = path
    found, owners, known = {}, {}, set(tree)
    for id in sorted(files, key=lambda id: id not in tree.by_id):
        image = None
        if shared[_last(id)] == 1:
            image = tree.by_id.get(id) or tree.named(id)
        image = image or _image_by_path(id, files[id], tree, known)
        if image in owners:
            first = files[owners[image]].relative_to(folder).as_posix()
            text = f"is of {image.name} like {first}, which is used instead"
            problems.append(Problem("second annotation of an image", files.pop(id), text))
        elif image is not None:
            found[id], owners[image] = image, id
    for id, image in tree.by_id.items():
        if image not in owners:
            found.setdefault(id, image)
    doubles = (
        Problem("same id", path, f"has the same id as {first.name}, which is used instead")
        for path, first in tree.doubles
    )
    return Files(found, files, tuple(problems), tuple(doubles))


def _is_labelme(path):
    if is_named_as_coco(path) or not path.is_file():
        return False
    if begins_with_key(path, "shapes") and begins_with_key(path, "label", "shape_type", "flags", "imagePath"):
        return True  # even where it turns out to be damaged
    if not begins_with_key(path, "shapes", "imageData", "imagePath", "flags", "version"):
        return False
    try:  # the keys may be sorted, and a large imageData then stands before the shapes
        return bytes(_decode(path).shapes).startswith(b"[")
    except UserError:
        return False


def _last(id):
    return id.rpartition("/")[2].casefold()


def _image_by_path(id, path, tree, known):
    """The image that a file's imagePath means, else the one that has its id; None where neither is there."""
    try:
        name = read_labelme(path).image_name
    except UserError:  # it is told when the file is read
        name = path.stem
    beside = Path(os.path.normpath(path.parent / name.replace("\\", "/")))
    if beside in known:
        return beside
    return tree.by_id.get(id) or tree.named(name, near=id.split("/")[:-1]) or tree.named(id)
