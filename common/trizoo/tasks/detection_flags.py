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


def class_map(texts):
    """See `trizoo.data.class_maps.parse_class_map`."""
    from trizoo.data.class_maps import parse_class_map  # here, since help does without

    return parse_class_map(texts)


CLASSES_MAP = Flag(
    "classes_map",
    'of boxes: other names for classes, as "tvmonitor=tv"; several may become one, OLD= leaves one out',
    metavar="OLD=NEW",
    parse=str,
    several=True,
    sets=lambda texts: {"data.classes_map": class_map(texts)},
)
FLAGS = TaskFlags(
    models="detectors",
    train=(CLASSES_MAP,),
    evaluate=(
        CLASSES_MAP,
        Flag(
            "coco",
            "write what was found as COCO's results, which pycocotools reads against the data set's own JSON",
            metavar="FILE",
            parse=str,
        ),
    ),
    predict=(
        Flag(
            "confidence",
            "lowest score shown (default: the recipe's predict.score, 0.5)",
            metavar="X",
            parse=share,
            alias="score",
        ),
        Flag("nms", "IoU of non-maximum suppression (default: the recipe's)", metavar="X", parse=share),
        Flag("nms_method", "soft lowers scores, diou drops fewer boxes (default: the recipe's)", choices=NMS_METHODS),
        Flag("voc", "write a VOC annotation for each image to DIR", writes=True),
        Flag("crop", "write each object as a picture of its own to DIR/crops", writes=True),
    ),
)
