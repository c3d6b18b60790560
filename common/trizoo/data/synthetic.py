"""A labelled data set drawn from a seed: shapes on textured grounds, with boxes and masks, in VOC layout.

It lets a fresh machine train, evaluate and draw pictures with one command and no download.
"""

import json
import os
import shutil
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from trizoo.data.shapes import MARKER, SHAPES, covered, fill, ground, shapes_of
from trizoo.data.singles import draw_single
from trizoo.data.strips import draw_strip
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import palette_image

SIZE, CLASSES = (256, 256), ("circle", "square", "triangle")
MARKS_SIZE, MARKS_CLASSES = (1920, 320), ("cross", "ring")  # of key points
SINGLES_SIZE, SINGLES_CLASSES = (96, 96), tuple(SHAPES)  # of classification
# what a training without data draws
SHAPES_TO_TRAIN_ON = {"images": 400, "size": SIZE}
SINGLES_TO_TRAIN_ON = {"images": 2400, "size": SINGLES_SIZE, "classes": SINGLES_CLASSES, "singles": True}
MARKS_TO_TRAIN_ON = {"images": 400, "size": MARKS_SIZE, "classes": MARKS_CLASSES, "marks": True}
_DRAWING = 2  # raise where the same parameters begin to give other pixels
_SPLITS = ("train", "val", "test")
_MIN_SIDE = 32
_EMPTY_SHARE = 0.06
_MOST_OBJECTS = 12
_ATTEMPTS = 8
# Of 20 images in a row 14 train, 3 validate and 3 test, whatever the count
_VAL, _TEST = (1, 8, 14), (2, 11, 17)


def synthesize(out, images=300, size=SIZE, classes=CLASSES, seed=0, *, marks=False, changed=False, singles=False):
    """Draw a data set of `images` images of `size` (width, height) into the folder `out`, and return `out` as a Path.

    A class named like a shape (see `trizoo.data.shapes.SHAPES`) is drawn as that shape, other names get the remaining
    shapes in order. Image i depends on seed, i, size and classes alone, not on the count. Every object shows at least
    half of its pixels; its box is tight around those it shows. Masks hold 0 for the ground, 1 + label inside objects
    and 255 along their borders, on the ground's side where there is ground. About one image in sixteen has no objects.

    With `marks` it is a data set of strips for key points, without masks (`trizoo.data.strips.draw_strip`); `changed`
    is of these. With `singles` it is one for classification: folders of classes, each image a shape
    (`trizoo.data.singles.draw_single`).

    The folder appears only when everything is in it. One that already holds the same data set is left as it is.
    Raises UserError where `out` holds anything else, can't be written, or a parameter is out of range.
    """
    out = Path(out)
    parameters = _checked(images, size, classes, seed)
    if marks:
        parameters |= {"marks": True, "changed": changed}
    if singles:
        parameters |= {"singles": True}
        for name in classes:
            if name.startswith((".", "__")) or set(name) & set("/\\"):
                raise UserError(f"class {name!r} can't be the name of a folder; one without . __ / and \\ would do")
    if _is_drawn(out, parameters):
        return out
    unfinished = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.tmp")
    try:
        (_draw_singles if singles else _draw_all)(unfinished, parameters)
        (unfinished / MARKER).write_text(json.dumps(parameters, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        if _is_drawn(out, parameters):  # by another process in the meantime
            return out
        raise UserError(f"data set {out} can't be written: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return out


def draw_image(index, size, classes, seed):
    """Image `index` of a data set: uint8 (H, W, 3) RGB, its mask uint8 (H, W), and its objects.

    objects: list of (label, xmin, ymin, xmax, ymax, cut off by the edge), int pixels, the box tight around the pixels
    that show.
    """
    random = np.random.RandomState([seed, index])  # its streams are promised never to change
    shapes = shapes_of(classes)
    pixels = ground(random, size)
    owners = np.zeros(pixels.shape[:2], np.uint8)  # 0: the ground, i: object i
    labels, cut = [], []
    whole, showing = np.zeros(1, int), np.zeros(1, int)  # pixels of object i without and with its overlaps, from 1
    wanted = 0 if random.random_sample() < _EMPTY_SHARE else random.randint(1, _MOST_OBJECTS + 1)
    for _ in range(wanted):
        label = random.randint(len(classes))
        for _ in range(_ATTEMPTS):
            (top, left), inside, full = covered(shapes[label], *_pose(random, size), size)
            window = np.s_[top : top + inside.shape[0], left : left + inside.shape[1]]
            left_over = showing - np.bincount(owners[window][inside], minlength=len(showing))
            count = int(inside.sum())
            if (2 * left_over[1:] < whole[1:]).any() or 2 * count < full:
                continue
            behind = pixels[window][inside].mean(0).round()
            pixels[window][inside] = fill(random, count, behind, _hues(label, len(classes)))
            owners[window][inside] = len(showing)
            labels.append(label)
            cut.append(count < full)
            whole, showing = np.append(whole, full), np.append(left_over, count)
            break
    objects = [(label, *_bounds(owners == i), cut[i - 1]) for i, label in enumerate(labels, start=1)]
    ids = np.array([0, *(label + 1 for label in labels)], np.uint8)
    mask = np.where(_borders(owners), np.uint8(255), ids[owners])
    return np.clip(pixels, 0, 255).astype(np.uint8), mask, objects


def _checked(images, size, classes, seed):
    """The parameters as the marker file holds them. Raises UserError where one is out of range."""
    if isinstance(classes, str):
        raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
    classes = list(classes)
    if images < 1:
        raise UserError(f"the number of images is {images}; at least 1 is needed")
    if min(size) < _MIN_SIDE or max(size) > 4096:
        raise UserError(f"the image size is {size[0]}x{size[1]}; sides of {_MIN_SIDE} to 4096 pixels can be drawn")
    if not 0 <= seed < 2**32:
        raise UserError(f"the seed is {seed}; 0 to {2**32 - 1} is needed")
    if not 1 <= len(set(classes)) == len(classes) <= len(SHAPES):
        raise UserError(f"the classes are {classes}; 1 to {len(SHAPES)} different names are needed")
    for name in classes:
        if name != name.strip() or not name.isprintable() or not name:
            raise UserError(f"class {name!r} is no name: printable characters without spaces around them are needed")
    return {"drawing": _DRAWING, "images": images, "size": list(size), "classes": classes, "seed": seed}


def _is_drawn(out, parameters):
    """Whether `out` already holds this data set. Raises UserError where it holds something else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        drawn = json.loads((out / MARKER).read_text(encoding="utf-8"))
        there = out.glob("*/*/*.jpg") if "singles" in parameters else (out / "JPEGImages").iterdir()
        if drawn == parameters and sum(1 for _ in there) == parameters["images"]:
            return True
    except (OSError, ValueError):  # no marker, or none of ours
        pass
    raise UserError(f"{out} holds something else than this data set; name a new folder, or remove it first")


def _draw_all(folder, parameters):
    images, size, classes, seed = (parameters[key] for key in ("images", "size", "classes", "seed"))
    kinds = ("Main",) if "marks" in parameters else ("Main", "Segmentation")
    for name in ("JPEGImages", "Annotations", *(f"ImageSets/{kind}" for kind in kinds)):
        (folder / name).mkdir(parents=True)
    lists = {name: [] for name in _SPLITS}
    for index in range(images):
        id = f"{index:06d}"
        if "marks" in parameters:
            image, objects = draw_strip(index, size, classes, seed, parameters["changed"])
        else:
            image, mask, objects = draw_image(index, size, classes, seed)
            (folder / "SegmentationClass").mkdir(exist_ok=True)
            palette_image(mask).save(folder / "SegmentationClass" / f"{id}.png")
        Image.fromarray(image).save(folder / "JPEGImages" / f"{id}.jpg", quality=92)
        text = _xml(id, size, classes, objects)
        (folder / "Annotations" / f"{id}.xml").write_text(text, encoding="utf-8", newline="\n")
        lists[_split_of(index)].append(f"{id}\n")
    for kind in kinds:
        for name, lines in lists.items():
            (folder / "ImageSets" / kind / f"{name}.txt").write_text("".join(lines), encoding="utf-8", newline="\n")


def _draw_singles(folder, parameters):
    """Folders of splits, in them folders of classes; each class has as many images as any other, to one."""
    images, size, classes, seed = (parameters[key] for key in ("images", "size", "classes", "seed"))
    for split in _SPLITS:
        for name in classes:
            (folder / split / name).mkdir(parents=True)
    for index in range(images):
        number, label = divmod(index, len(classes))
        image = Image.fromarray(draw_single(index, label, size, classes, seed))
        image.save(folder / _split_of(number) / classes[label] / f"{index:06d}.jpg", quality=92)


def _split_of(index):
    """The split of an image."""
    place = index % 20
    return "val" if place in _VAL else "test" if place in _TEST else "train"


def _xml(id, size, classes, objects):
    """A VOC annotation: corners count from 1 and include the last pixel, so only xmin and ymin change."""
    lines = [
        "<annotation>",
        f"  <filename>{id}.jpg</filename>",
        f"  <size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>",
        "  <segmented>1</segmented>",
    ]
    for label, xmin, ymin, xmax, ymax, cut in objects:
        corners = {"xmin": xmin + 1, "ymin": ymin + 1, "xmax": xmax, "ymax": ymax}
        lines += [
            "  <object>",
            f"    <name>{escape(classes[label], quote=False)}</name>",
            f"    <truncated>{int(cut)}</truncated>",
            "    <difficult>0</difficult>",
            f"    <bndbox>{''.join(f'<{tag}>{value}</{tag}>' for tag, value in corners.items())}</bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])


def _hues(label, num_classes):
    """The range of hues of a class: like fruit, a class has colours of its own, not far from the next one's."""
    return label / num_classes, (label + 0.8) / num_classes


def _pose(random, size):
    """A radius (small ones as likely as large ones), a centre and an angle in degrees."""
    smallest, largest = max(4, min(size) / 18), min(size) / 5
    radius = smallest * (largest / smallest) ** random.random_sample()
    centre = random.random_sample(2) * size
    return round(radius, 3), tuple(centre.round(3).tolist()), random.randint(360)


def _bounds(shown):
    """The tight box of a mask's pixels: xmin, ymin, xmax, ymax."""
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _borders(owners):
    """The line of ground around each object, and both sides of a line between two objects: (H, W) -> bool (H, W)."""
    borders = np.zeros(owners.shape, bool)
    for here, there in (
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
    ):
        own, other = owners[here], owners[there]
        borders[here] |= (own != other) & ((own == 0) | (other != 0))
    return borders
