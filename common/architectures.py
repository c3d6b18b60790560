"""Which models there are, with the numbers that every framework, target and decoder must share."""

import math
from dataclasses import dataclass

from common.errors import UserError


@dataclass(frozen=True)
class Architecture:
    """What a model's name stands for, whatever its classes.

    strides: input pixels per cell of each head, coarsest first
    masks: for each head, which of the anchors (sorted by size) it uses
    anchors: default (width, height) in input pixels, smallest first
    scale_xy: for each head, by how much the sigmoid that places a box's centre reaches over its cell (grid sensitivity,
        Bochkovskiy et al. 2020, section 3.4); 1 = not at all
    attention: whether its backbone's features may pass an attention block (see `ATTENTION`)
    backbone: prefix of the parameter names that a pretrained backbone fills and that `freeze` holds still
    """

    strides: tuple[int, ...]
    masks: tuple[tuple[int, ...], ...]
    anchors: tuple[tuple[float, float], ...]
    scale_xy: tuple[float, ...]
    attention: bool = False
    backbone: str = "backbone."

    @property
    def size_multiple(self):
        """Both sides of the input must be a multiple of this."""
        return max(self.strides)


# squeeze and excitation (Hu et al. 2018), CBAM (Woo et al. 2018), ECA (Wang et al. 2020)
ATTENTION = ("se", "cbam", "eca")

_YOLOV3_ANCHORS = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119), (116, 90), (156, 198), (373, 326))
_YOLOV4_ANCHORS = ((12, 16), (19, 36), (40, 28), (36, 75), (76, 55), (72, 146), (142, 110), (192, 243), (459, 401))
_TINY_ANCHORS = ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))

ARCHITECTURES = {
    # the .cfg files of the same names of the Darknet project; the masks of yolov3-tiny's second head are 0,1,2 there.
    # yolov4-tiny has the masks 3,4,5 and 1,2,3: its heads share an anchor, and none has the first of its six, 10x14,
    # which is left out here
    "yolov3": Architecture(
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV3_ANCHORS,
        scale_xy=(1.0, 1.0, 1.0),
    ),
    "yolov3-spp": Architecture(
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV3_ANCHORS,
        scale_xy=(1.0, 1.0, 1.0),
    ),
    "yolov3-tiny": Architecture(
        strides=(32, 16),
        masks=((3, 4, 5), (0, 1, 2)),
        anchors=_TINY_ANCHORS,
        scale_xy=(1.0, 1.0),
    ),
    "yolov4": Architecture(
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV4_ANCHORS,
        scale_xy=(1.05, 1.1, 1.2),
    ),
    "yolov4-tiny": Architecture(
        strides=(32, 16),
        masks=((2, 3, 4), (0, 1, 2)),
        anchors=_TINY_ANCHORS[1:],
        scale_xy=(1.05, 1.05),
        attention=True,
    ),
}


@dataclass(frozen=True)
class ModelSpec:
    """All that is needed to build a network and to read its heads.

    anchors: per head, its (width, height) pairs in input pixels; strides, scale_xy: per head, see `Architecture`
    mean, std: of an image's R, G, B in 0..255; the network computes (image - mean) / std first
    attention: one of ATTENTION, or None
    """

    name: str
    num_classes: int
    anchors: tuple[tuple[tuple[float, float], ...], ...]
    strides: tuple[int, ...]
    scale_xy: tuple[float, ...]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)
    attention: str | None = None

    @property
    def anchors_per_cell(self):
        """Number of anchors of each head's cells."""
        return tuple(len(anchors) for anchors in self.anchors)


def architecture(name):
    """The named architecture; UserError with the names there are for an unknown one."""
    if name not in ARCHITECTURES:
        raise UserError(f"unknown model {name!r}; one of {', '.join(ARCHITECTURES)} is needed")
    return ARCHITECTURES[name]


def model_spec(
    name,
    num_classes,
    anchors=None,
    mean=(0.0, 0.0, 0.0),
    std=(255.0, 255.0, 255.0),
    scale_xy=None,
    attention=None,
):
    """The ModelSpec of a model for `num_classes` classes, with its default anchors or these, smallest first.

    scale_xy: one number for all heads; None = the model's own, a number a head. Raises UserError for an unknown name, a
    number of anchors that the heads can't share out, anchors in another order (each head would get sizes that aren't
    its own), and attention in a model that has no place for it.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; at least 1 is needed")
    known = architecture(name)
    anchors = known.anchors if anchors is None else tuple((float(w), float(h)) for w, h in anchors)
    needed = len(known.anchors)
    if len(anchors) != needed:
        raise UserError(f"{len(anchors)} anchors were given for {name}; its heads need {needed}")
    areas = [width * height for width, height in anchors]
    if areas != sorted(areas):
        in_order = ", ".join(f"{w:g}x{h:g}" for w, h in sorted(anchors, key=math.prod))
        raise UserError(f"the anchors of {name} aren't in order, smallest area first; this order would do: {in_order}")
    if attention is not None and not known.attention:
        able = ", ".join(other for other, about in ARCHITECTURES.items() if about.attention)
        raise UserError(f"model.attention is {attention}, for which {name} has no place; none, or {able}, would do")
    per_head = tuple(tuple(anchors[i] for i in mask) for mask in known.masks)
    scale_xy = known.scale_xy if scale_xy is None else (float(scale_xy),) * len(known.strides)
    return ModelSpec(name, num_classes, per_head, known.strides, scale_xy, tuple(mean), tuple(std), attention)


def check_input_size(name, size):
    """UserError unless the model takes images of this (width, height); it names the nearest legal sizes."""
    multiple = architecture(name).size_multiple
    if all(side > 0 and side % multiple == 0 for side in size):
        return
    lower, upper = (
        "x".join(str(max(multiple, rounded(side / multiple) * multiple)) for side in size)
        for rounded in (math.floor, math.ceil)
    )
    nearest = lower if lower == upper else f"{lower} or {upper}"
    raise UserError(
        f"input size {size[0]}x{size[1]} doesn't fit {name}, whose sides are multiples of {multiple}; "
        f"the nearest that fit: {nearest}"
    )
