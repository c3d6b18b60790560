"""YOLO's layout: a text file an image, a line an object, in shares of its sides.

Limits: 2 MiB a label file, 131,072 characters of data.yaml: within 300 MiB and 10 seconds a file.
"""

from dataclasses import replace

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.boxes.points import SHARE
from trizoo.data.reading import Problem
from trizoo.data.yolo_files import find_files
from trizoo.data.yolo_labels import read_lines
from trizoo.ground.text import counted


def find_yolo(root, images=None, annotations=None):
    """The `Listing` of YOLO's labels in a folder and those below it, None where there are none.

    Splits and names are those of data.yaml (Ultralytics, Roboflow) or obj.data (Darknet), wherever it lies; else names
    are those of classes.txt, obj.names … and splits those of lists, folders or hashes. How the files may lie stands at
    `trizoo.data.yolo_files.find_files`. Raises UserError where what describes the data set can't be read.
    """
    files = find_files(root, images, annotations)
    if files is None:
        return None
    return _listing(files, "yolo", lambda path: read_annotation(path, files.classes, files.keypoints))


def find_yolo_pose(root, images=None, annotations=None):
    """The same where data.yaml says how many key points each object has (kpt_shape); these are the objects here.

    They are called as kpt_names says; without, as the object's class, with a number behind it where there are several.
    """
    files = find_files(root, images, annotations)
    if files is None or files.pose is None:
        return None
    return replace(_listing(files, "yolo-pose", lambda path: read_pose(path, files.classes, files.pose)), classes=None)


def _listing(files, layout, read_file):
    def read(id):
        if files.labels[id] is None:
            return Annotation(files.images[id], (), relative=True)
        return read_file(files.labels[id])

    return Listing(
        files.root,
        layout,
        files.images,
        {id: path or files.images[id] for id, path in files.labels.items()},
        read,
        files.lists,
        files.classes.names,
        files.problems,
        files.remarks,
        files.image_folder,
        files.label_folder,
    )


def read_pose(path, classes, pose):
    """The `Annotation` of the key points in one label file: after each box x and y, and how visible it is.

    A key point that isn't visible at all (0), or at the upper left corner or outside of the image where nothing says
    how visible it is, isn't there. An object with another number of them is left out, which `problems` tells.

    Args:
        classes: `trizoo.data.name_files.ClassNames`
        pose: `trizoo.data.yolo_config.Pose`

    Raises:
        UserError: with the line, as `read_lines`
    """
    objects, problems, needed = [], [], 4 + pose.count * pose.numbers
    for line in read_lines(path, keypoints=True):
        name = classes.name_of(line.label)
        if len(line.numbers) != needed or not line.usable:
            wrong = f"has {len(line.numbers)} numbers, and {needed} are needed" if line.usable else "has a huge number"
            problems.append(
                Problem("object without key points", path, f"{line.where}: {name} {wrong}, so it is left out")
            )
            continue
        numbers = line.numbers[4:]
        points = [numbers[first : first + pose.numbers] for first in range(0, len(numbers), pose.numbers)]
        for called, (x, y, *visible) in zip(pose.names_of(line.label, name), points, strict=True):
            if visible[0] > 0 if visible else (x >= 0 and y >= 0 and (x or y)):
                box = (x - SHARE, y - SHARE, x + SHARE, y + SHARE)
                objects.append(AnnotatedObject(called, box, where=line.where))
    return Annotation(path, tuple(objects), tuple(problems), relative=True)


def read_annotation(path, classes, keypoints=False):
    """The `Annotation` of one label file, see `trizoo.data.yolo_labels.read_lines`.

    An outline's box is the smallest around its points. A negative width or height counts as a positive one. A score
    after a box, as predictions have it, plays no role. Boxes without area, and those with nan, inf or huge numbers are
    left out; `problems` tells of each.

    Args:
        classes: `trizoo.data.name_files.ClassNames`

    Raises:
        UserError: with the line, as `read_lines`
    """
    objects, problems, scored = [], [], []
    for line in read_lines(path, keypoints):
        name = classes.name_of(line.label)
        written = " ".join(f"{number:g}" for number in line.numbers[:8])
        if len(line.numbers) == 5:
            scored.append(line.where)
        if not line.usable:
            text = f"{line.where}: {name} ({written}) has a number that is none or huge and is left out"
            problems.append(Problem("object without box", path, text))
            continue
        if line.centred:
            x, y, width, height = line.numbers[:4]
            if width < 0 or height < 0:
                text = f"{line.where}: {name} ({written}) has its corners swapped"
                problems.append(Problem("swapped corners", path, text))
            width, height = abs(width), abs(height)
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        else:
            xs, ys = line.numbers[::2], line.numbers[1::2]
            box = (min(xs), min(ys), max(xs), max(ys))
        if box[0] >= box[2] or box[1] >= box[3]:
            text = f"{line.where}: {name} ({written}) has no area and is left out"
            problems.append(Problem("box without area", path, text))
            continue
        objects.append(AnnotatedObject(name, box, where=line.where))
    remarks = ()
    if scored:
        lines = counted(len(scored), "line")
        text = f"{scored[0]}: a fifth number stands after the label, as predictions have it, in {lines}"
        remarks = (Problem("box with a score", path, text),)
    return Annotation(path, tuple(objects), tuple(problems), remarks, relative=True)
