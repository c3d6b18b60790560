"""The RetinaNet models: their backbones, anchors and heads."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from trizoo.families.anchored.heat import anchor_heat
from trizoo.families.anchored.spec import (
    AnchoredArchitecture,
    AnchoredOptions,
    AnchoredSpec,
    Assigner,
    BoxTerm,
    ScoreIoU,
)
from trizoo.families.base.backbones import BACKBONES, check_backbone
from trizoo.families.base.shortlist import SPARE, Ranking
from trizoo.families.base.spec import Family, preset
from trizoo.families.base.terms import sigmoid
from trizoo.families.retinanet.anchors import (
    KERAS_RETINANET_CODING,
    RETINANET_ANCHORS,
    RETINANET_CODING,
    pyramid_cells,
    retinanet_grid,
)
from trizoo.families.retinanet.decode import RETINANET_CANDIDATES, decode_retinanet
from trizoo.families.retinanet.graph import retinanet_candidates
from trizoo.families.retinanet.targets import assign
from trizoo.ground.fields import ClassWeights, NotNegative, Probability, Section

CODINGS = {
    "retinanet": RETINANET_CODING,
    "keras-retinanet": KERAS_RETINANET_CODING,
    "keras-retinanet-same": KERAS_RETINANET_CODING,
    "retinanet-keras": KERAS_RETINANET_CODING,
    "retinanet-bubbliiiing": RETINANET_CODING,
}


STRIDES = (8, 16, 32)  # of C3, C4, C5


class RetinaNetOptions(AnchoredOptions):
    """Options of the recipe's model section."""

    p6_from_c5: bool | None = Field(None, description="what RetinaNet's P6 is made of; none = P5, and C5 in v2")


class RetinaNetLoss(Section):
    """RetinaNet's; see `trizoo.families.retinanet.reference.retinanet_loss`."""

    kind: Literal["retinanet"] = "retinanet"
    assigner: Assigner = "iou"
    positive_iou: Probability = Field(0.5, description="an anchor that overlaps a box so much is assigned to it")
    negative_iou: Probability = Field(0.4, description="one that overlaps every box less is background")
    low_quality: bool = Field(True, description="each box's best anchor is assigned to it, however little they overlap")
    gamma: NotNegative = Field(2.0, description="what is right already counts less; 0 = cross-entropy")
    alpha: Probability | None = Field(0.25, description="weight of positives, 1 less it of negatives; none = both 1")
    box: BoxTerm = Field("l1", description="giou and diou: of decoded boxes; torchvision's v2 has giou")
    box_beta: NotNegative = Field(0.0, description="l1 is smooth up to it; keras-retinanet has 1 / 9")
    box_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
    score_iou: ScoreIoU = 0.0
    class_weights: ClassWeights = Field(
        None, description="of the class term by the box's class, in the order of their ids; none = all 1"
    )

    @model_validator(mode="after")
    def _in_order(self):
        if self.negative_iou > self.positive_iou:
            raise ValueError(
                f"negative_iou is {self.negative_iou:g}, above positive_iou, {self.positive_iou:g}; at most that is "
                f"needed"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class RetinaNetSpec(AnchoredSpec):
    """A RetinaNet's ModelSpec.

    Args:
        v2: see `RetinaNetArchitecture`
        anchor_preset: a key of `trizoo.families.retinanet.anchors.RETINANET_ANCHORS`, which also says how boxes are
            coded
        norm: of the backbone
        p6_from_c5: what P6 is made of, instead of P5
    """

    family: ClassVar[str] = "retinanet"
    learns_outputs: ClassVar[bool] = True
    drops_gaps: ClassVar[bool] = True

    v2: bool
    p6_from_c5: bool = False

    @property
    def anchors(self):
        """Its PyramidAnchors."""
        return RETINANET_ANCHORS[self.anchor_preset].scaled(self.anchor_scale)

    @property
    def anchors_per_cell(self):
        """Number of anchors of each level's cells: of P3 to P7."""
        return self.anchors.anchors_per_cell

    @property
    def coding(self):
        """What the deltas are."""
        return CODINGS[self.anchor_preset]

    def grid(self, size):
        """The AnchorGrid at an input size (width, height)."""
        return retinanet_grid(tuple(size), self.anchors)

    def assign(self, boxes, labels, grid, loss):
        """See `trizoo.families.retinanet.targets.assign`."""
        thresholds = loss.positive_iou, loss.negative_iou, loss.low_quality
        return assign(boxes, labels, grid, self.num_classes, *thresholds)

    def decode(self, outputs, placements, size, **options):
        """See `trizoo.families.retinanet.decode.decode_retinanet`."""
        return self.decode_rows(outputs, self.grid(size), placements, **options)

    def decode_rows(self, outputs, grid, placements, **options):
        """See `trizoo.families.retinanet.decode.decode_retinanet`."""
        return decode_retinanet(outputs, grid, placements, coding=self.coding, **options)

    def ranking(self, size):
        """RETINANET_CANDIDATES of a level reach NMS; a row promises its greatest logit."""
        groups, most = np.bincount(self.grid(size).levels).tolist(), int(RETINANET_CANDIDATES * SPARE)
        return Ranking(tuple(groups), most, RETINANET_CANDIDATES, sigmoid, exact=True)

    def promises(self, ops, outputs):
        """The greatest logit."""
        deltas, logits = outputs
        return [deltas, logits], ops.of_finite(ops.greatest(logits), logits)

    def heat(self, outputs, size):
        """The best score of each cell's anchors."""
        return anchor_heat(sigmoid(outputs[1].max(axis=-1)), self.grid(size), pyramid_cells(size).tolist())

    def candidates(self, ops, outputs, size, least):
        """See `trizoo.families.retinanet.graph.retinanet_candidates`."""
        return retinanet_candidates(ops, outputs, self.anchors, self.coding, size, least)

    def first_bias(self, name, shape, prior):
        """0, but the logit of the prior for each class (Lin et al. 2017, section 4.1)."""
        return np.full(shape, -math.log(1 / prior - 1) if ".predict_class." in name else 0, np.float32)

    def least_values(self, size):
        """Cells of C5, the coarsest features of the backbone."""
        return None if self.norm == "group" else math.ceil(size[0] / 32) * math.ceil(size[1] / 32)

    def begins_small(self, name):
        """The heads' towers too (Lin et al. 2017, section 4.1)."""
        return super().begins_small(name) or ".tower." in name

    def slope(self, name):
        """No activation follows in the feature pyramid."""
        return 1 if name.startswith("fpn.") else super().slope(name)


@dataclass(frozen=True, kw_only=True)
class RetinaNetArchitecture(AnchoredArchitecture):
    """What a RetinaNet's name stands for.

    Args:
        v2: heads with group normalisation and P6 from C5, torchvision's retinanet_resnet50_fpn_v2
    """

    takes_any_size: ClassVar[bool] = True
    options: ClassVar[type[RetinaNetOptions]] = RetinaNetOptions

    v2: bool = False

    def spec(
        self,
        name,
        num_classes,
        *,
        anchor_preset=None,
        anchor_scale=None,
        backbone=None,
        norm=None,
        stride_on_1x1=None,
        p6_from_c5=None,
        **normalisation,
    ):
        """The RetinaNetSpec; options that are None are torchvision's.

        Args:
            anchor_preset: a key of RETINANET_ANCHORS
            anchor_scale, backbone, norm, stride_on_1x1, p6_from_c5: see `RetinaNetSpec`
            normalisation: mean and std

        Raises:
            UserError: for a backbone that has no features at the strides of C3 to C5
        """
        backbone = backbone or self.backbone
        check_backbone(name, backbone, STRIDES, stride_on_1x1=stride_on_1x1)
        return RetinaNetSpec(
            name=name,
            num_classes=num_classes,
            backbone=backbone,
            v2=self.v2,
            anchor_preset=preset(RETINANET_ANCHORS, "retinanet", anchor_preset, name),
            anchor_scale=1.0 if anchor_scale is None else float(anchor_scale),
            norm=norm or BACKBONES[backbone].norm,
            stride_on_1x1=bool(stride_on_1x1),
            p6_from_c5=self.v2 if p6_from_c5 is None else p6_from_c5,
            **normalisation,
        )


RETINANET_ARCHITECTURES = {
    "retinanet-resnet18": RetinaNetArchitecture(backbone="resnet18"),
    "retinanet-resnet34": RetinaNetArchitecture(backbone="resnet34"),
    "retinanet-resnet50": RetinaNetArchitecture(backbone="resnet50"),
    "retinanet-resnet50-v2": RetinaNetArchitecture(backbone="resnet50", v2=True),
    "retinanet-resnet101": RetinaNetArchitecture(backbone="resnet101"),
    "retinanet-resnet152": RetinaNetArchitecture(backbone="resnet152"),
}

RETINANET = Family(RETINANET_ARCHITECTURES, RetinaNetLoss)
