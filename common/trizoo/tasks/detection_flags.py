"""The flags that detectors alone have."""

from trizoo.ground.conventions import NMS_METHODS
from trizoo.tasks.flags import Flag, TaskFlags


def share(text):
    """A number in [0, 1]."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is not a number from 0 to 1")
    return value


def part(text):
    """A number in [0, 0.9]: tiles that overlap by more would be many."""
    if (value := share(text)) > 0.9:
        raise ValueError(f"{text!r} is more than 0.9")
    return value


def count(text):
    """A whole number of at least 1."""
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise ValueError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def tile(text):
    """A whole number of at least 16: a photograph of smaller tiles would take hours."""
    if (value := count(text)) < 16:
        raise ValueError(f"{text!r} pixels are too few for a tile; 16 or more are needed")
    return value


def line_width(text):
    """A whole number from 1 to 1000."""
    if (value := count(text)) > 1000:
        raise ValueError(f"{text!r} is more than 1000 pixels")
    return value


MAX_DETECTIONS = Flag(
    "max_detections",
    "most detections of an image (default: the recipe's evaluate.max_detections)",
    metavar="N",
    parse=count,
    sets=lambda value: {"evaluate.max_detections": value},
)
CONFIDENCE = Flag(
    "confidence",
    "lowest score shown (default: the recipe's predict.score, 0.35 of the tiny YOLOs and 0.5 of others)",
    metavar="X",
    parse=share,
    alias="score",
)
CLASSES = Flag("classes", "only these are shown and written", metavar="NAME", parse=str, several=True)
COUNT = Flag("count", "draw how many of each class there are")
LINE_WIDTH = Flag("line_width", "pixels of the lines (default: by the image's size)", metavar="N", parse=line_width)
HIDE_LABELS = Flag("hide_labels", "draw without names and scores")
USE = (
    MAX_DETECTIONS,
    Flag(
        "tiles", "look at large images in tiles of this side in pixels, with one NMS over all", metavar="N", parse=tile
    ),
    Flag("overlap", "of neighbouring tiles, as a share of their side (default: 0.2)", metavar="X", parse=part),
)


def class_map(texts):
    """See `trizoo.data.class_maps.parse_class_map`."""
    from trizoo.data.class_maps import parse_class_map  # here, since help does without

    return parse_class_map(texts)


CLASSES_MAP = Flag(
    "classes_map",
    'of boxes: other names for classes, as "tvmonitor=tv"; several may become one, OLD= leaves one out, "*=object" is '
    "every other one",
    metavar="OLD=NEW",
    parse=str,
    several=True,
    sets=lambda texts: {"data.classes_map": class_map(texts)},
)
FLAGS = TaskFlags(
    models="detectors",
    asked=("confidence", "nms", "classes"),
    train=(CLASSES_MAP,),
    evaluate=(
        *USE,
        CLASSES_MAP,
        Flag(
            "coco",
            "write what was found as COCO's results, which pycocotools reads against the data set's own JSON",
            metavar="FILE",
            parse=str,
        ),
    ),
    predict=(
        CONFIDENCE,
        Flag("nms", "IoU of non-maximum suppression (default: the recipe's)", metavar="X", parse=share),
        Flag(
            "nms_method",
            "soft lowers scores, diou drops fewer boxes, vote moves those that stay (default: the recipe's)",
            choices=NMS_METHODS,
        ),
        *USE,
        CLASSES,
        COUNT,
        LINE_WIDTH,
        HIDE_LABELS,
        Flag("coco", "write COCO's results to DIR/coco.json", writes=True),
        Flag("yolo", "write YOLO's label files to DIR/labels, and DIR/classes.txt", writes=True, folder="labels"),
        Flag("voc", "write a VOC annotation for each image to DIR", writes=True),
        Flag("crop", "write each object as a picture of its own to DIR/crops", writes=True, folder="crops"),
    ),
)
