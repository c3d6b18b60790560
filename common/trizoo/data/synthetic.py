"""A labelled data set drawn from a seed: shapes on textured grounds, with boxes and masks, in VOC layout.

It lets a fresh machine train, evaluate and draw pictures with one command and no download. What other tasks draw stands
in KINDS.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.data.drawn_files import write_boxes, write_classes, write_labels
from trizoo.data.identities import IDENTITIES, draw_identity, draw_scene, split_of_identity
from trizoo.data.reading import read_marker
from trizoo.data.shapes import MARKER, SHAPES, covered, fill, ground, shapes_of
from trizoo.data.singles import draw_single
from trizoo.data.strips import draw_strip
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, hint

# what a training without data draws
SHAPES_TO_TRAIN_ON = {"images": 400}
SINGLES_TO_TRAIN_ON = {"images": 2400, "kind": "classification"}
MARKS_TO_TRAIN_ON = {"images": 400, "kind": "keypoints"}
LABELS_TO_TRAIN_ON = {"images": 1200, "kind": "multilabel"}
IDENTITIES_TO_TRAIN_ON = {"images": 4800, "kind": "embedding"}
_DRAWING = 2  # raise where the same parameters begin to give other pixels
_MIN_SIDE = 32
_EMPTY_SHARE = 0.06
_MOST_OBJECTS = 12
_ATTEMPTS = 8
_REFERENCES, _EVERY_UNKNOWN = 8, 4  # of recognition: pictures of an identity; every fourth identity has none


@dataclass(frozen=True)
class Kind:
    """A kind of drawing.

    Args:
        size: (width, height) of its images where nobody says another
        classes: the same of classes
        write: draws all images; a function of a new folder and the parameters, as the marker file holds them
        images: how many `trizoo synth` draws where nobody says another
        pictures: glob of the images in the folder
        names: those that classes may have, None where any name gets a shape
        folders: whether names of classes become folders
        changeable: whether there is a changed set of it
        marker: what the marker file says besides
    """

    size: tuple[int, int]
    classes: tuple[str, ...]
    write: Callable[[Path, dict], None]
    images: int = 300
    pictures: str = "JPEGImages/*"
    names: tuple[str, ...] | None = None
    folders: bool = False
    changeable: bool = False
    marker: dict[str, Any] = field(default_factory=dict)


def _write_shapes(folder, parameters):
    write_boxes(folder, parameters, lambda *image: draw_image(*image))


def _write_strips(folder, parameters):
    def draw(*image):
        pixels, marks = draw_strip(*image, parameters["changed"])
        return pixels, None, marks

    write_boxes(folder, parameters, draw)


def _write_singles(folder, parameters):
    write_classes(folder, parameters, draw_single)


def _write_labels(folder, parameters):
    write_labels(folder, parameters, draw_image)


def _write_identities(folder, parameters):
    """A class is of one split, so that what is measured on was never trained on."""
    write_classes(folder, parameters, draw_identity, lambda _, name: split_of_identity(name, parameters["classes"]))


def _write_scenes(folder, parameters):
    """Beside the scenes a folder of pictures of most identities, the known ones."""

    def draw(*image):
        pixels, things = draw_scene(*image)
        return pixels, None, things

    write_boxes(folder, parameters, draw)
    known = [name for place, name in enumerate(parameters["classes"], start=1) if place % _EVERY_UNKNOWN]
    pictures = {"images": _REFERENCES * len(known), "size": KINDS["embedding"].size, "classes": known}
    write_classes(folder, parameters | pictures, draw_identity, lambda *_: "gallery")


KINDS = {
    "shapes": Kind((256, 256), ("circle", "square", "triangle"), _write_shapes),
    "keypoints": Kind((1920, 320), ("cross", "ring"), _write_strips, changeable=True, marker={"marks": True}),
    "classification": Kind(
        *((96, 96), tuple(SHAPES), _write_singles), pictures="*/*/*.jpg", folders=True, marker={"singles": True}
    ),
    "multilabel": Kind(
        *((96, 96), tuple(SHAPES), _write_labels), pictures="images/*.jpg", marker={"kind": "multilabel"}
    ),
    "embedding": Kind(
        *((96, 96), IDENTITIES, _write_identities, 4800),
        pictures="*/*/*.jpg",
        names=IDENTITIES,
        folders=True,
        marker={"kind": "embedding"},
    ),
    "recognition": Kind(
        *((320, 320), tuple(name for name in IDENTITIES if split_of_identity(name) == "test"), _write_scenes),
        names=IDENTITIES,
        folders=True,
        marker={"kind": "recognition"},
    ),
}


def synthesize(out, images=300, size=None, classes=None, seed=0, *, kind="shapes", changed=False):
    """Draw a data set of `images` images of `size` (width, height) into the folder `out`, and return `out` as a Path.

    A class named like a shape (see `trizoo.data.shapes.SHAPES`) is drawn as that shape, other names get the remaining
    shapes in order. Image i depends on seed, i, size and classes alone, not on the count. Every object shows at least
    half of its pixels; its box is tight around those it shows. Masks hold 0 for the ground, 1 + label inside objects
    and 255 along their borders, on the ground's side where there is ground. About one image in sixteen has no objects.

    Args:
        size, classes: None for the kind's own
        kind: one of KINDS. keypoints: strips with marks, without masks (`trizoo.data.strips.draw_strip`).
            classification: folders of classes, each image a shape (`trizoo.data.singles.draw_single`). multilabel:
            images with any number of shapes, and lists of those in each. embedding:
            folders of identities, each in one split alone (`trizoo.data.identities.draw_identity`). recognition: scenes
            with boxes of identities (`trizoo.data.identities.draw_scene`), and the folder `gallery` with pictures of
            three in four of them
        changed: of keypoints: as another camera sees it

    The folder appears only when everything is in it. One that already holds the same data set is left as it is.
    Raises UserError where `out` holds anything else, can't be written, or a parameter is out of range.
    """
    out, drawing = Path(out), KINDS[kind]
    parameters = _checked(drawing, images, size or drawing.size, drawing.classes if classes is None else classes, seed)
    if drawing.changeable:
        parameters["changed"] = changed
    if _is_drawn(out, parameters, drawing.pictures):
        return out
    unfinished = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.tmp")
    try:
        drawing.write(unfinished, parameters)
        (unfinished / MARKER).write_text(json.dumps(parameters, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        if _is_drawn(out, parameters, drawing.pictures):  # by another process in the meantime
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


def _checked(kind, images, size, classes, seed):
    """The parameters as the marker file holds them. Raises UserError where one is out of range."""
    if isinstance(classes, str):
        raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
    classes, most = list(classes), len(kind.names or SHAPES)
    if images < 1:
        raise UserError(f"the number of images is {images}; at least 1 is needed")
    if min(size) < _MIN_SIDE or max(size) > 4096:
        raise UserError(f"the image size is {size[0]}x{size[1]}; sides of {_MIN_SIDE} to 4096 pixels can be drawn")
    if not 0 <= seed < 2**32:
        raise UserError(f"the seed is {seed}; 0 to {2**32 - 1} is needed")
    if not 1 <= len(set(classes)) == len(classes) <= most:
        raise UserError(f"the classes are {classes}; 1 to {most} different names are needed")
    for name in classes:
        if name != name.strip() or not name.isprintable() or not name:
            raise UserError(f"class {name!r} is no name: printable characters without spaces around them are needed")
        if kind.folders and (name.startswith((".", "__")) or set(name) & set("/\\")):
            raise UserError(f"class {name!r} can't be the name of a folder; one without . __ / and \\ would do")
        if kind.names and name not in kind.names:
            raise UserError(
                f"class {name!r} can't be drawn; there are {first_few(sorted(kind.names))}{hint(name, kind.names)}"
            )
    return {
        **{"drawing": _DRAWING, "images": images, "size": list(size), "classes": classes, "seed": seed},
        **kind.marker,
    }


def _is_drawn(out, parameters, pictures):
    """Whether `out` already holds this data set. Raises UserError where it holds something else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    if read_marker(out / MARKER) == parameters and sum(1 for _ in out.glob(pictures)) == parameters["images"]:
        return True
    raise UserError(f"{out} holds something else than this data set; name a new folder, or remove it first")


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
