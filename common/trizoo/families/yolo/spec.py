"""The YOLO models: their anchors, and how the heads share them."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.heat import CellScores
from trizoo.families.base.shortlist import SPARE, Ranking
from trizoo.families.base.spec import Architecture, Family, ModelOptions, ModelSpec, check_multiples
from trizoo.families.base.terms import sigmoid
from trizoo.families.yolo.coding import CODINGS
from trizoo.families.yolo.decode import MAX_CANDIDATES, decode_rows, decode_yolo
from trizoo.families.yolo.graph import yolo_candidates
from trizoo.families.yolo.grid import yolo_grid
from trizoo.families.yolo.targets import assign
from trizoo.ground.boxes import IOU_KINDS, iou_wh
from trizoo.ground.errors import UserError
from trizoo.ground.fields import ClassWeights, Count, NotNegative, Probability, Section

# squeeze and excitation (Hu et al. 2018), CBAM (Woo et al. 2018), the same with a hidden layer of an eighth of the
# channels in the place of a sixteenth, ECA (Wang et al. 2020)
ATTENTION = ("se", "cbam", "cbam8", "eca")
Side = Annotated[float, Field(gt=0, le=100_000)]  # of an anchor, in pixels


class YOLOOptions(ModelOptions):
    """Options of the recipe's model section."""

    anchors: tuple[tuple[Side, Side], ...] | None = Field(
        None, description="YOLO's, (width, height) in input pixels, smallest first; none = the model's own"
    )
    scale_xy: Annotated[float, Field(ge=1, le=2)] | None = Field(
        None, description="how far over its cell a box's centre can reach; 1 = not at all, none = the model's own"
    )
    coding: Literal[CODINGS] | None = Field(
        None,
        description="of width and height: exponential, or squared, which is bounded (4 times an anchor); none = the "
        "model's own, exponential",
    )
    attention: Literal[ATTENTION] | None = Field(None, description="in yolov4-tiny only; none = no such blocks")


class YOLOLoss(Section):
    """YOLO's; see `trizoo.families.yolo.reference.yolo_loss`."""

    kind: Literal["yolo"] = "yolo"
    box: Literal[(*IOU_KINDS, "mse")] = "ciou"
    box_gain: NotNegative = 2.0
    objectness_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
    balance: tuple[NotNegative, NotNegative, NotNegative] = Field(
        (0.4, 1.0, 4.0), description="of objectness at strides 32, 16, 8; a model with two heads uses the first two"
    )
    ignore_iou: Probability = Field(0.5, description="a prediction that overlaps any box more is no negative")
    match_iou: Probability = Field(
        1.0, description="an anchor that fits a box by more is assigned to it too, beside the best; 1 = the best alone"
    )
    match_ratio: Annotated[float, Field(gt=1)] | None = Field(
        None,
        description="an anchor whose width and height are less than so many times the box's, and the other way round, "
        "is assigned to it too; none = off",
    )
    cells: Literal[1, 3] = Field(
        1, description="3: the cells beside a box's centre, one of each axis, answer too where scale_xy lets them reach"
    )
    aligned: Count | None = Field(
        None,
        description="of the predictions that are assigned to a box so many stay, those that have the best score and "
        "IoU with it by now (task-aligned, Feng et al. 2021); none = all",
    )
    objectness_iou: Probability = Field(
        0.0, description="objectness of positives learns 1 less this share of what their box's IoU lacks of 1"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="e: classes learn 1 - e / 2 and e / 2 instead of 1 and 0"
    )
    focal_gamma: NotNegative = Field(
        0.0,
        description="objectness that is right already counts less (Lin et al. 2017), with objectness_iou by its "
        "distance from what it learns (quality focal loss, Li et al. 2020); 0 = plain cross-entropy",
    )
    focal_alpha: Probability | None = Field(
        None, description="weight of objectness's positives, 1 less it of the negatives; none = both 1"
    )
    class_focal_gamma: NotNegative = Field(
        0.0, description="classes that are right already count less; 0 = plain cross-entropy"
    )
    class_weights: ClassWeights = Field(
        None, description="of the class term by the box's class, in the order of their ids; none = all 1"
    )


@dataclass(frozen=True, kw_only=True)
class YOLOSpec(ModelSpec):
    """A YOLO's ModelSpec.

    Args:
        anchors: per head, its (width, height) pairs in input pixels
        strides, scale_xy: per head, see `YOLOArchitecture`
        coding: of width and height, one of `trizoo.families.yolo.coding.CODINGS`
        attention: one of ATTENTION, or None
    """

    family: ClassVar[str] = "yolo"
    learns_outputs: ClassVar[bool] = True
    fits_anchors: ClassVar[str | None] = "anchors"
    besides: ClassVar[int] = 5  # box and objectness

    anchors: tuple[tuple[tuple[float, float], ...], ...]
    strides: tuple[int, ...]
    scale_xy: tuple[float, ...]
    coding: str = "exponential"
    attention: str | None = None

    @property
    def anchors_per_cell(self):
        """Number of anchors of each head's cells."""
        return tuple(len(anchors) for anchors in self.anchors)

    def at_strides(self, strides):
        """The spec of the outputs at these strides alone."""
        places = [self.strides.index(stride) for stride in strides]
        fields = ("anchors", "strides", "scale_xy")
        return replace(self, **{name: tuple(getattr(self, name)[place] for place in places) for name in fields})

    def taught_by(self, teacher, size):
        """A YOLO with as many anchors at each of the own strides, whatever it has besides."""
        super().taught_by(teacher, size)
        theirs = dict(zip(teacher.strides, teacher.anchors_per_cell, strict=True))
        for stride, anchors in zip(self.strides, self.anchors_per_cell, strict=True):
            if theirs.get(stride) != anchors:
                raise UserError(
                    f"{self.name} has {anchors} anchors a cell at stride {stride}, and its teacher {teacher.name} "
                    f"{theirs.get(stride, 'no output')}; another teacher, or --set distill.outputs=0 --set "
                    f"distill.features=1, would do"
                )
        return teacher.at_strides(self.strides), [teacher.strides.index(stride) for stride in self.strides]

    def settings(self, known):
        """Anchors in order again, as the heads had shared them out."""
        shared_out = zip(known.masks, self.anchors, strict=True)
        anchors = {place: pair for places, pairs in shared_out for place, pair in zip(places, pairs, strict=True)}
        return {
            **super().settings(known),
            "anchors": [list(anchors[place]) for place in sorted(anchors)],
            "scale_xy": None if self.scale_xy == known.scale_xy else self.scale_xy[0],  # the model's, or one
        }

    @property
    def output_names(self):
        """Those of its levels: `head_p5` has a stride of 2 ** 5."""
        return tuple(f"head_p{stride.bit_length() - 1}" for stride in self.strides)

    def targets(self, samples, size, loss):
        """See `trizoo.families.yolo.targets.assign`."""
        boxes, labels = [sample.boxes for sample in samples], [sample.labels for sample in samples]
        return assign(boxes, labels, self, size, loss.match_iou, loss.match_ratio, loss.cells, loss.aligned)

    def anchor_overlaps(self, boxes, size):
        """By width and height alone, as targets are assigned: a cell's anchors lie about any centre in it."""
        anchors = np.concatenate([np.array(of_head) for of_head in self.anchors])
        return iou_wh(boxes[:, 2:] - boxes[:, :2], anchors).max(axis=1, initial=0)

    def decode(self, outputs, placements, size, **options):
        """See `trizoo.families.yolo.decode.decode_yolo`."""
        return decode_yolo(outputs, self, placements, **options)

    def grid(self, size):
        """The YOLOGrid at an input size (width, height)."""
        return yolo_grid(self, tuple(size))

    def ranking(self, size):
        """MAX_CANDIDATES of an image reach NMS."""
        return Ranking((len(self.grid(size).strides),), int(MAX_CANDIDATES * SPARE), MAX_CANDIDATES)

    def promises(self, ops, outputs):
        """The best score itself."""
        raw = ops.join([ops.flat(output) for output in outputs])
        scores = ops.sigmoid(raw[..., 4]) * ops.sigmoid(ops.greatest(raw[..., 5:]))
        return [raw], ops.of_finite(scores, raw)

    def decode_rows(self, outputs, grid, placements, **options):
        """See `trizoo.families.yolo.decode.decode_rows`."""
        return decode_rows(*outputs, grid, placements, coding=self.coding, **options)

    def heat(self, outputs, size):
        """The best score of each cell's anchors: objectness times the likeliest class."""
        best = [sigmoid(output[..., 4]) * sigmoid(output[..., 5:].max(axis=-1)) for output in outputs]
        return [
            CellScores(scores.max(axis=-1), (stride / 2, stride / 2), (stride, stride))
            for scores, stride in zip(best, self.strides, strict=True)
        ]

    def candidates(self, ops, outputs, size, least):
        """See `trizoo.families.yolo.graph.yolo_candidates`."""
        return yolo_candidates(ops, outputs, self, least)

    def first_bias(self, name, shape, prior):
        """0, but the logit of the prior for objectness (Lin et al. 2017, section 4.1)."""
        bias = np.zeros((shape[0] // (5 + self.num_classes), 5 + self.num_classes), np.float32)
        bias[:, 4] = -math.log(1 / prior - 1)
        return bias.reshape(shape)

    def least_values(self, size):
        """Cells of the coarsest head."""
        if self.norm == "group":
            return None
        return size[0] // self.strides[0] * (size[1] // self.strides[0])

    def misfit(self, other):
        """Where widths and heights are coded otherwise."""
        if other.coding == self.coding:
            return None
        return (
            f"codes widths and heights otherwise, {other.coding}, and model.coding is {self.coding}; leave it out, or "
            f"say --set model.coding={other.coding}"
        )


@dataclass(frozen=True, kw_only=True)
class YOLOArchitecture(Architecture):
    """What a YOLO's name stands for.

    Args:
        strides: input pixels per cell of each head, coarsest first
        masks: for each head, which of the anchors (sorted by size) it uses
        anchors: default (width, height) in input pixels, smallest first
        scale_xy: for each head, by how much the sigmoid that places a box's centre reaches over its cell (grid
            sensitivity, Bochkovskiy et al. 2020, section 3.4); 1 = not at all
        attention: whether its backbone's features may pass an attention block (see `ATTENTION`)
        anchors_of: pixels a side of the input that the anchors were found for
    """

    options: ClassVar[type[ModelOptions]] = YOLOOptions

    strides: tuple[int, ...]
    masks: tuple[tuple[int, ...], ...]
    anchors: tuple[tuple[float, float], ...]
    scale_xy: tuple[float, ...]
    attention: bool = False
    anchors_of: int = 416

    @property
    def variants(self):
        """One with each kind of attention, where there is a place for it."""
        return {kind: {"attention": kind} for kind in ATTENTION if self.attention}

    def spec(
        self,
        name,
        num_classes,
        *,
        anchors=None,
        scale_xy=None,
        coding=None,
        attention=None,
        norm=None,
        **normalisation,
    ):
        """The YOLOSpec with the model's own anchors or these, smallest first.

        Args:
            anchors: (A, 2), width and height in pixels; None = the model's own
            scale_xy: one number for all heads; None = the model's own, a number a head
            coding, attention, norm: see `YOLOSpec`
            normalisation: mean and std

        Raises:
            UserError: for a number of anchors that the heads can't share out, anchors in another order (each head would
                get sizes that aren't its own), and attention in a model that has no place for it
        """
        anchors = self.anchors if anchors is None else tuple((float(w), float(h)) for w, h in anchors)
        needed = len(self.anchors)
        if len(anchors) != needed:
            raise UserError(f"{len(anchors)} anchors were given for {name}; its heads need {needed}")
        areas = [width * height for width, height in anchors]
        if areas != sorted(areas):
            in_order = ", ".join(f"{w:g}x{h:g}" for w, h in sorted(anchors, key=math.prod))
            raise UserError(
                f"the anchors of {name} aren't in order, smallest area first; this order would do: {in_order}"
            )
        if attention is not None and not self.attention:
            able = ", ".join(other for other, about in YOLO_ARCHITECTURES.items() if about.attention)
            raise UserError(f"model.attention is {attention}, for which {name} has no place; none, or {able}, would do")
        return YOLOSpec(
            name=name,
            num_classes=num_classes,
            anchors=tuple(tuple(anchors[i] for i in mask) for mask in self.masks),
            strides=self.strides,
            scale_xy=self.scale_xy if scale_xy is None else (float(scale_xy),) * len(self.strides),
            coding=coding or "exponential",
            attention=attention,
            norm=norm or "batch",
            **normalisation,
        )

    def anchors_at(self, size):
        """The default anchors scaled to a (width, height), by the root of its area: (A, 2). None: as they are."""
        factor = math.sqrt(math.prod(size)) / self.anchors_of
        return None if factor == 1 else np.array(self.anchors, np.float64) * factor

    def check_input_size(self, name, size):
        """Both sides must be multiples of the greatest stride."""
        check_multiples(name, size, self.size_multiple)


_YOLOV3_ANCHORS = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119), (116, 90), (156, 198), (373, 326))
_YOLOV4_ANCHORS = ((12, 16), (19, 36), (40, 28), (36, 75), (76, 55), (72, 146), (142, 110), (192, 243), (459, 401))
_TINY_ANCHORS = ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))

YOLO_ARCHITECTURES = {
    # the .cfg files of the same names of the Darknet project; the masks of yolov3-tiny's second head are 0,1,2 there.
    # yolov4-tiny has the masks 3,4,5 and 1,2,3: its heads share an anchor, and none has the first of its six, 10x14,
    # which is left out here
    "yolov3": YOLOArchitecture(
        backbone="darknet53",
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV3_ANCHORS,
        scale_xy=(1.0, 1.0, 1.0),
    ),
    "yolov3-spp": YOLOArchitecture(
        backbone="darknet53",
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV3_ANCHORS,
        scale_xy=(1.0, 1.0, 1.0),
    ),
    "yolov3-tiny": YOLOArchitecture(
        strides=(32, 16),
        masks=((3, 4, 5), (0, 1, 2)),
        anchors=_TINY_ANCHORS,
        scale_xy=(1.0, 1.0),
    ),
    "yolov4": YOLOArchitecture(
        backbone="cspdarknet53",
        strides=(32, 16, 8),
        masks=((6, 7, 8), (3, 4, 5), (0, 1, 2)),
        anchors=_YOLOV4_ANCHORS,
        scale_xy=(1.05, 1.1, 1.2),
        anchors_of=512,  # csresnext50-panet-spp-original-optimal.cfg, where they come from
    ),
    "yolov4-tiny": YOLOArchitecture(
        strides=(32, 16),
        masks=((2, 3, 4), (0, 1, 2)),
        anchors=_TINY_ANCHORS[1:],
        scale_xy=(1.05, 1.05),
        attention=True,
    ),
}

YOLO = Family(YOLO_ARCHITECTURES, YOLOLoss)
