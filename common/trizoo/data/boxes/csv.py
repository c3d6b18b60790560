"""Tables with a box a row: TensorFlow's object detection CSV, Open Images' and keras-retinanet's, and their like.

Tables with a point a row are read here too.

Limits: lines of 1 MiB. A file of 64 MiB is read within 1 GiB and 30 seconds, larger ones in proportion.
"""

import csv
import re
from itertools import islice

from trizoo.data.boxes.points import HALF
from trizoo.data.boxes.rows import Rows, listing_of, number, split_of, text_files
from trizoo.data.class_names import class_name
from trizoo.data.image_tree import LONGEST_PATH, ImageTree
from trizoo.data.name_files import ClassNames, checked_names, find_names
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import PointerError, Problem, text_lines
from trizoo.ground.errors import UserError

_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t"
# what columns are called, in small letters without marks between
_IMAGE = ("filename", "imagefilename", "image", "imagepath", "imagename", "imageid", "img", "imgpath", "file",
          "filepath", "path")  # fmt: skip
_CLASS = ("class", "classname", "label", "labelname", "category", "categoryname", "object", "name", "classid")
_CORNERS = (
    ("xmin", "x1", "left", "bboxxmin", "xminimum"),
    ("ymin", "y1", "top", "bboxymin", "yminimum"),
    ("xmax", "x2", "right", "bboxxmax", "xmaximum"),
    ("ymax", "y2", "bottom", "bboxymax", "ymaximum"),
)
_POINT = (("x", "xcenter", "centerx", "cx", "pointx"), ("y", "ycenter", "centery", "cy", "pointy"))
_OF_BOXES = ("w", "h", "width", "height", "boxwidth", "boxheight")  # beside x and y these make boxes
_SIZE = (("width", "imagewidth", "imgwidth"), ("height", "imageheight", "imgheight"))
_CROWD = ("isgroupof", "iscrowd")
_CODE = re.compile(r"/[mgt]/\w+")  # Open Images' code of a class
_MOST_BLANK = 1000  # lines before the first that isn't
_MOST_PROBLEMS = 1000
_MOST_CLASS_ROWS = 100_000


def find_csv(root, images=None, annotations=None):
    """The `Listing` of tables of boxes in a folder and those below it, None where there are none.

    A table has a first row that names its columns, in any order: the image (filename, image, path …), the corners
    (xmin or x1 …) and the class (class, label …), and perhaps width and height; or, as keras-retinanet's, no such row
    and `path,x1,y1,x2,y2,class`. `,`, `;` or a tab are between the columns. A row with an image alone is of an image
    without objects.

    Corners count as they stand, in continuous pixels from 0, as the readers of these files take them: TensorFlow's
    scripts divide them by the width, keras-retinanet's pixels begin at 0, and so do those of the drawing tools behind
    most of the files. Where they come from VOC's own annotations, which count from 1, boxes begin a pixel late. Corners
    of a file with a first row, all of them below 1.5 and not all whole, are shares of the image's sides (Open Images).

    Splits are told by files' or folders' names: train.csv, val_annotations.csv, test/_annotations.csv; else by lists,
    folders or hashes. Names of classes are those of `name,label` rows in a table of their own (keras-retinanet's), of
    classes.txt and its like, or all in the tables, sorted; `code,name` rows say what Open Images' codes mean.

    Raises:
        UserError: where a table can't be read
    """
    return _find(root, images, annotations, "csv", _CORNERS)


def find_points(root, images=None, annotations=None):
    """The `Listing` of tables of points in a folder and those below it, None where there are none.

    A table has a first row that names its columns, in any order: the image, x, y and the class, as those of
    `find_csv`; or no such row and `path,x,y,class`. Points are in continuous pixels from 0; each becomes a box of one
    pixel about it. A table that has a width and a height too is of boxes, and isn't read here.

    Raises:
        UserError: where a table can't be read
    """
    return _find(root, images, annotations, "points", _POINT)


def _find(root, images, annotations, layout, about):
    """The `Listing` of tables whose rows have these columns, _CORNERS or _POINT, beside image and class; or None."""
    found = [(path, table) for path in text_files(root, annotations, _SUFFIXES) if (table := _table(path, about))]
    if not found:
        return None
    tree = ImageTree(images or root)
    of_points = about == _POINT
    rows, listed = Rows(tree, of_points), []
    for path, table in found:
        split = split_of(path, root)
        rows.begin(path, split)
        _read(path, table, rows)
        listed.append((split, path, rows.end(may_be_shares=table.header and not of_points)))
    if not rows.annotations:
        raise UserError(f"{found[0][0]} has no row that names an image")
    folders = dict.fromkeys([root, *(path.parent for path, _ in found)])
    named, called = _class_tables([path for folder in folders for path in sorted(folder.glob("*.csv"))])
    classes = rows.finish(named or find_names(folders), called)
    return listing_of(root, layout, rows, listed, classes, annotations)


class _Table:
    """Where the columns of a table are.

    Args:
        header: whether its first row names them
        needed: places of the columns of image, of xmin, ymin, xmax, ymax or x, y, and of the class
        more: those of width, height and crowd, None where there is none
    """

    def __init__(self, delimiter, header, needed, more=(None, None, None)):
        self.delimiter, self.header = delimiter, header
        self.needed, self.more = needed, more
        self.width = max(self.needed) + 1


def _table(path, about):
    """The `_Table` of a file, None where its first rows aren't those of a table with the columns `about`."""
    try:
        lines = islice(text_lines(path, newline="", errors="replace"), _MOST_BLANK)
        first = next((line for line in lines if line.strip()), "")
    except PointerError:
        raise
    except UserError:
        return None
    for delimiter in _DELIMITERS:
        try:
            row = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            continue
        table = _with_header(delimiter, row, about) or _without_header(delimiter, row, len(about))
        if table:
            return table
    return None


def _with_header(delimiter, row, about):
    names = [re.sub(r"[\s_.-]", "", name.casefold()) for name in row]

    def column(known):
        return next((names.index(name) for name in known if name in names), None)

    needed, more = ([column(known) for known in parts] for parts in ((_IMAGE, *about, _CLASS), (*_SIZE, _CROWD)))
    if None in needed or (about == _POINT and any(name in _OF_BOXES for name in names)):
        return None
    return _Table(delimiter, True, needed, more)


def _without_header(delimiter, row, count):
    row = [field.strip() for field in row]
    if len(row) != count + 2 or not row[0].lower().endswith(IMAGE_SUFFIXES):
        return None
    numbers = [number(field) for field in row[1:-1]]
    if any(row[1:]) and (any(value != value for value in numbers) or not row[-1]):
        return None
    return _Table(delimiter, False, list(range(count + 2)))


def _read(path, table, rows):
    """Adds the boxes of a table to `rows`."""
    reader = csv.reader(text_lines(path, newline=""), delimiter=table.delimiter)
    image, *corners, label = table.needed
    nameless, header, columns, longer = 0, table.header, table.width, []
    filled, empty = set(), {}
    try:
        for row in reader:
            if not any(row):
                continue
            if header:
                header, columns = False, max(len(row), table.width)
                continue
            if len(row) > columns and any(row[columns:]):
                longer.append(reader.line_num)
            row += [""] * (table.width - len(row))
            name = row[image].strip()
            if not 0 < len(name) <= LONGEST_PATH:
                nameless += 1
                if nameless <= _MOST_PROBLEMS:
                    text = f"line {reader.line_num} names no image and is left out"
                    rows.problems.append(Problem("row without image", path, text))
                continue
            width, height, crowd = (row[at].strip() if at is not None and at < len(row) else "" for at in table.more)
            index = rows.image(name, width, height)
            line = reader.line_num
            written = [row[at].strip() for at in corners]
            text = row[label].strip()
            if any(written) or text:
                if table.delimiter == ";":
                    written = [value.replace(",", ".") for value in written]
                numbers = [number(value) for value in written]
                if len(numbers) == 2:
                    numbers = [side + half for half in (-HALF, HALF) for side in numbers]
                rows.add(index, numbers, text, line, crowd == "1")
                filled.add(index)
            else:
                empty.setdefault(index, line)
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num} is no row of a table: {error}") from error
    if nameless > _MOST_PROBLEMS:
        text = f"and {nameless - _MOST_PROBLEMS:,} more lines without an image"
        rows.problems.append(Problem("row without image", path, text))
    if longer:
        text = f"line {longer[0]} has more fields than the table has columns, as with a decimal comma"
        text += f"; there are {len(longer):,} such lines" if len(longer) > 1 else ""
        rows.problems.append(Problem("row too long", path, text))
    both = sorted(empty[index] for index in filled & empty.keys())
    if both:
        text = f"line {both[0]} says that an image has no object, and other lines have some, which count"
        text += f"; there are {len(both):,} such images" if len(both) > 1 else ""
        rows.problems.append(Problem("row without object", path, text))


def _class_tables(paths):
    """The `ClassNames` of a table of `name,label` rows, and text -> name of one of `code,name` rows; None, {}."""
    named, called = None, {}
    for path in paths:
        rows = _pairs(path)
        if not rows:
            continue
        if all(_CODE.fullmatch(code) for code, _ in rows[1:] or rows):
            called.update({code: class_name(name) for code, name in rows})
            continue
        labels = {int(label): name for name, label in rows if label.isascii() and label.isdecimal() and len(label) < 7}
        if named is None and len(labels) == len(rows) and set(labels) == set(range(len(rows))):
            named = ClassNames(checked_names([labels[label] for label in range(len(rows))], path), path)
    return named, called


def _pairs(path):
    """The rows of a table of two columns, None of any other."""
    rows = []
    try:
        for row in csv.reader(text_lines(path, newline="")):
            if any(row):
                rows.append(tuple(field.strip() for field in row))
                if len(row) != 2 or len(rows) > _MOST_CLASS_ROWS:
                    return None
    except PointerError:
        raise
    except (UserError, csv.Error):
        return None
    return rows
