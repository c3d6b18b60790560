"""labelme's layout: a JSON file beside each image, and lists of splits."""

import base64
import io
import json

import numpy as np
from PIL import Image

from trizoo.data.labelme_files import NO_BACKGROUND
from trizoo.data.masks.labelme import IGNORED_NAMES
from trizoo.data.masks.pair import BACKGROUND, BACKGROUND_NAMES
from trizoo.data.write.content import hard_link_notes, write_lines, write_lists
from trizoo.ground.conventions import IGNORE

_VERSION = "5.4.0"  # of labelme, whose files these are like


def write_labelme(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    Images and their files lie in the folder itself, and the splits as lists in splits, which labelme knows nothing of.
    labels.txt is what labelme's --labels takes. Boxes: rectangles, exact, with the flags difficult and crowd. Masks:
    labelme's mask shapes, one for each class in an image, exact; what is ignored is called __ignore__. Where
    there is no class background, each file has the flag no_background.
    """
    write_lists(folder / "splits", content)
    named = [name for name in content.classes if not content.mask or name != BACKGROUND]
    write_lines(folder / "labels.txt", [IGNORED_NAMES[0], BACKGROUND_NAMES[1], *named])

    def write(place):
        hard = content.put_image(place, folder)
        record = content.records[place]
        shapes = _masks(content.mask(place), content.classes) if content.mask else _boxes(record, content.classes)
        entry = {
            "version": _VERSION,
            "flags": {NO_BACKGROUND: True} if content.without_background else {},
            "shapes": shapes,
            "imagePath": content.file_name(place),
            "imageData": None,
            "imageHeight": record.size[1],
            "imageWidth": record.size[0],
        }
        text = json.dumps(entry, ensure_ascii=False, indent=1)
        (folder / f"{content.names[place]}.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
        return hard

    return hard_link_notes(content.each(write))


def _boxes(record, classes):
    shapes = []
    for box, label, difficult, crowd in zip(
        np.asarray(record.boxes, np.float64).tolist(),
        record.labels.tolist(),
        record.difficult.tolist(),
        record.crowd.tolist(),
        strict=True,
    ):
        flags = {"difficult": True} if difficult or crowd else {}
        flags.update({"crowd": True} if crowd else {})
        shapes.append(_shape(classes[label], [box[:2], box[2:]], "rectangle", flags))
    return shapes


def _masks(mask, classes):
    names = {label: name for label, name in enumerate(classes) if name != BACKGROUND} | {IGNORE: IGNORED_NAMES[0]}
    shapes = []
    for label in np.unique(mask).tolist():
        if label not in names:
            continue
        pixels = mask == label
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
        data = io.BytesIO()
        Image.fromarray(pixels[top : bottom + 1, left : right + 1]).save(data, format="PNG")
        corners = [[left, top], [right, bottom]]  # labelme's second corner is the last pixel
        shapes.append(_shape(names[label], corners, "mask", {}, base64.b64encode(data.getvalue()).decode("ascii")))
    return shapes


def _shape(name, points, kind, flags, mask=None):
    shape = {
        "label": name,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": flags,
    }
    return shape if mask is None else {**shape, "mask": mask}
