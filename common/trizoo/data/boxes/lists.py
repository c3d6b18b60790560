"""Text lists with an image and all its boxes a line, as older YOLO trainers for Keras and TensorFlow read them.

Limits: lines of 1 MiB. A file of 64 MiB is read within 1 GiB and 30 seconds, larger ones in proportion.
"""

import re

from trizoo.data.boxes.rows import Rows, listing_of, number, split_of, text_files
from trizoo.data.image_tree import LONGEST_PATH, ImageTree
from trizoo.data.name_files import find_names
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import PointerError, Problem, text_lines
from trizoo.ground.errors import UserError

_BOX = re.compile(r"(?i)[-+]?(?:[.\d]|nan|inf)[^,]*,[^,]*,.*")  # begins with a number, and has two commas at least
_MOST_LINES = 1000  # that show whether a file is a list of boxes
_MOST_PROBLEMS = 1000


def find_lists_of_boxes(root, images=None, annotations=None):
    """The `Listing` of text lists of boxes in a folder and those below it, None where there are none.

    A line is an image's path, then each of its boxes as `xmin,ymin,xmax,ymax,class` after a space; the class is a label
    or a name. A path may have spaces; one without boxes is an image without objects. Corners count as they stand, in
    continuous pixels from 0, as the trainers that read such lists take them.

    Splits are told by files' names (train.txt, 2007_train.txt), names of classes are those of classes.txt and its like
    in the same folder, in the root or in model_data, else class_0 … to the highest label.

    Raises:
        UserError: where a list can't be read
    """
    found = [path for path in text_files(root, annotations, (".txt",)) if _is_list(path)]
    if not found:
        return None
    tree = ImageTree(images or root)
    rows, listed = Rows(tree), []
    for path in found:
        split = split_of(path, root)
        rows.begin(path, split)
        _read(path, rows)
        listed.append((split, path, rows.end()))
    folders = dict.fromkeys([*(path.parent for path in found), root, root / "model_data"])
    classes = rows.finish(find_names(folders))
    return listing_of(root, "lists", rows, listed, classes, annotations)


def _is_list(path):
    """Whether one of the first lines is an image with a box, and none before it is anything but an image."""
    try:
        for count, line in enumerate(text_lines(path, errors="replace")):
            name, boxes = _parts(line)
            if count > _MOST_LINES or (name and not name.lower().endswith(IMAGE_SUFFIXES)):
                return False
            if boxes:
                return True
    except PointerError:
        raise
    except UserError:
        return False
    return False


def _parts(line):
    """The path and the texts of the boxes of a line."""
    words = re.split(r"(\s+)", line.strip())  # odd places are white space
    end = len(words)
    while end > 1 and _BOX.fullmatch(words[end - 1]) and not words[end - 1].lower().endswith(IMAGE_SUFFIXES):
        end -= 2
    return "".join(words[:end]).strip(), words[end + 1 :: 2]


def _read(path, rows):
    """Adds the boxes of a list to `rows`."""
    others = 0
    for line_number, line in enumerate(text_lines(path), start=1):
        name, boxes = _parts(line)
        if not name:
            continue
        if not name.lower().endswith(IMAGE_SUFFIXES) or len(name) > LONGEST_PATH:
            others += 1
            if others <= _MOST_PROBLEMS:
                text = f"line {line_number} begins with {name[:60]!r}, which is no image, and is left out"
                rows.problems.append(Problem("line without image", path, text))
            continue
        image = rows.image(name)
        for box in boxes:
            fields = box.split(",")
            if len(fields) == 5:
                rows.add(image, [number(field) for field in fields[:4]], fields[4], line_number)
            else:
                text = f"line {line_number}: {box[:60]!r} is left out; xmin,ymin,xmax,ymax,class is a box"
                rows.problems.append(Problem("object without box", path, text))
    if others > _MOST_PROBLEMS:
        text = f"and {others - _MOST_PROBLEMS:,} more lines without an image"
        rows.problems.append(Problem("line without image", path, text))
