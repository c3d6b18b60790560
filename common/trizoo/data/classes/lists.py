"""Lists of images with their class, or with any number of labels: `path<TAB>class` a line, or CSV.

Limits: lines of 1 MiB. A file of 64 MiB is read within 1 GiB and 30 seconds, larger ones in proportion.
"""

import csv

from trizoo.data.class_names import class_name
from trizoo.data.classes.index import image_ids, make_index
from trizoo.data.image_tree import ImageTree
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import PointerError, Problem, text_lines
from trizoo.data.splits import SPLIT_NAMES, find_lists
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, first_few

SUFFIXES = (".txt", ".tsv", ".csv")
_NAMES = (*SPLIT_NAMES, "labels", "annotations", "classes", "images", "list", "data")
_MOST_SHOWN = 80  # characters of a line in an error


def find_class_lists(root, images=None, annotations=None):
    """The `ClassIndex` of lists, None where there are none.

    Args:
        images: the folder that paths are seen from; None: the root
        annotations: the list, or the folder of the lists; None: train.txt, val.csv, labels.tsv and so on in the root

    A list called as a split is (train.txt, val.csv) is that split. Without such lists those of other names count, whose
    images are shared out by lists of ids in the folder `splits`, else by a hash of each. Paths mean what they end with,
    as another machine wrote them.

    Raises:
        UserError: for a line without a tab, with more columns or without a class, a path that no image has, and an
            image of two classes
    """
    return _find(root, images, annotations)


def find_label_lists(root, images=None, annotations=None):
    """As `find_class_lists`, of lists with any number of labels an image, in columns of their own; names are tuples.

    Raises UserError for a line without a tab, a path that no image has, and an image that is listed with other labels.
    """
    return _find(root, images, annotations, several=True)


def find_spaced_lists(root, images=None, annotations=None):
    """Raises UserError for lists with a space where a tab belongs; None where there are none."""
    return _find(root, images, annotations, spaced=True)


def _find(root, images, annotations, spaced=False, several=False):
    if annotations is not None and annotations.is_file():
        paths = [annotations]
    else:
        paths = [
            path
            for path in sorted((annotations or root).iterdir())
            if path.suffix.lower() in SUFFIXES and path.stem.casefold() in _NAMES and path.is_file()
        ]
        if not spaced and not any(_are_columns(path, several) for path in paths):
            return None
        # those of words are an error below
        paths = [path for path in paths if _are_columns(path, several) or _are_words(path)]
        paths = [path for path in paths if path.stem.casefold() in SPLIT_NAMES] or paths
    if not paths:
        return None
    tree, base = ImageTree(images or root), images or root
    rows, splits, problems = {}, {}, []  # image -> (class, list, line)
    for path in paths:
        split, lost = SPLIT_NAMES.get(path.stem.casefold()), []
        for line, name, label in read_list(path, several):
            image = tree.named(name, (split,) if split else ())
            if image is None:
                lost.append(f"line {line}: {name}")
                continue
            before = rows.setdefault(image, (label, path, line))
            if before[0] != label:
                told = [", ".join(names) or "no class" if several else repr(names) for names in (label, before[0])]
                what, need = ("", "all labels of an image in one line are")
                if not several:
                    what, need = ("the class ", "one class an image is")
                raise UserError(
                    f"{path}, line {line}: {name} is of {what}{told[0]}, and of {told[1]} in {before[1]}, line "
                    f"{before[2]}; {need} needed"
                )
            listed = splits.setdefault(split, {})
            if image in listed:
                problems.append(Problem("listed twice", path, f"line {line}: {name} counts once"))
            listed[image] = None
        if lost:
            name = "names" if len(lost) == 1 else "name"
            raise UserError(f"{counted(len(lost), 'line')} of {path} {name} no image below {base}: {first_few(lost)}")
    placed = [image.relative_to(base).as_posix() for image in rows]
    ids = image_ids(placed)
    id_of = dict(zip(rows, ids, strict=True))
    files, notes = paths, ()
    if None in splits:
        lists = find_lists(root, ids, [root / "splits"])
        if lists.error:
            raise lists.error
        known = {*ids}
        files, notes = lists.files.values(), lists.notes
        by_id = {name: [id for id in dict.fromkeys(listed) if id in known] for name, listed in lists.ids.items()}
    else:
        by_id = {split: [id_of[image] for image in listed] for split, listed in splits.items()}
    names = [name for name, _, _ in rows.values()]
    more = {"ids": ids, "files": files, "apart": paths, "notes": notes, "problems": problems}
    return make_index(root, "label-lists" if several else "class-lists", base, placed, names, by_id, **more)


def read_list(path, several=False):
    """Yields (line, image as it is written, class) of a list. Raises UserError as `find_class_lists` does.

    Args:
        several: whether an image has any number of classes, a tuple of them
    """
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    empty = True
    for number, line in enumerate(text_lines(path), start=1):
        text = line.strip(" \r\n")  # a tab ends an image without labels
        if not text.strip() or text.startswith("#"):
            continue
        columns = [column.strip() for column in _columns(text, separator)]
        first, empty = empty, False
        if first and len(columns) > 1 and not _is_image(columns[0]) and (several or len(columns) == 2):
            continue  # names of the columns
        where, shown = f"{path}, line {number}", text[:_MOST_SHOWN]
        if len(columns) == 1:
            what = "comma" if separator == "," else "tab"
            raise UserError(f"{where} is {shown!r}, which has no {what}; an image, a {what} and its class are needed")
        image, *labels = columns
        if several:
            labels = list(dict.fromkeys(filter(None, labels)))
        elif len(labels) > 1:
            raise UserError(
                f"{where} is {shown!r}, which has {len(columns)} columns; an image and a class are needed, or "
                f"a model for several labels (multilabel-…; trizoo data takes --task multilabel)"
            )
        if not image or not all(labels):
            raise UserError(f"{where} is {shown!r}; an image and a class are needed")
        try:
            names = tuple(map(class_name, labels))
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
        yield number, image, names if several else names[0]


def _columns(text, separator):
    """The columns of a line; quotes count in CSV alone."""
    if separator == "\t":
        return text.split("\t")
    try:
        return next(csv.reader([text]))
    except csv.Error:
        return [text]


def _first_lines(path, most=3):
    """The first lines that aren't blank; none of what is no text."""
    found = []
    try:
        for line in text_lines(path, errors="replace"):
            text = line.strip(" \r\n")
            if text.strip() and not text.startswith("#"):
                found.append(text)
            if len(found) == most:
                break
    except PointerError:
        raise
    except UserError:
        return []
    return found


def _are_columns(path, several=False):
    """Whether one of the first lines is an image and its class, or its labels."""
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    columns = [_columns(line, separator) for line in _first_lines(path)]
    return any(
        (len(of_line) == 2 or (several and len(of_line) > 1)) and _is_image(of_line[0].strip()) for of_line in columns
    )


def _are_words(path):
    """Whether a line is an image and something after a space."""
    words = [line.split(None, 1) for line in _first_lines(path)]
    return any(len(of_line) == 2 and _is_image(of_line[0]) for of_line in words)


def _is_image(text):
    return text.lower().endswith(IMAGE_SUFFIXES)
