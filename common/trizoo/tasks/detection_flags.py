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


FLAGS = TaskFlags(
    models="detectors",
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
        Flag("crop", "write each object as a picture of its own to DIR/crops", writes=True, folder="crops"),
    ),
)
