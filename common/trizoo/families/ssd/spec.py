"""The SSD models: their anchors, and the one size of input that each takes."""

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
from trizoo.families.base.shortlist import Ranking
from trizoo.families.base.spec import Family, preset
from trizoo.families.base.terms import log_softmax
from trizoo.families.ssd.anchors import SSD_ANCHORS, SSD_CODING, ssd_grid
from trizoo.families.ssd.decode import decode_ssd
from trizoo.families.ssd.graph import ssd_candidates
from trizoo.families.ssd.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import ClassWeights, NotNegative, Probability, Section

# rows of an image that leave a GPU; should more reach the threshold, as of an untrained network, all 8,732 do
SHORTLIST = 2000
SCALE, FIRST_HEAD = "l2_norm.scale", "heads.0."


class SSDOptions(AnchoredOptions):
    """Options of the recipe's model section."""

    l2_norm: bool | None = Field(
        None,
        description="SSD300 on MobileNetV2 as in ssd-pytorch: its first level is a block's features, normalised by "
        "length, and a ReLU ends the further ones; none = no",
    )


class SSDLoss(Section):
    """SSD's; see `trizoo.families.ssd.reference.ssd_loss`."""

    kind: Literal["ssd"] = "ssd"
    assigner: Assigner = "iou"
    positive_iou: Probability = Field(0.5, description="an anchor that overlaps a box so much is assigned to it")
    negatives: NotNegative = Field(
        3.0, description="of each image so many times as many negatives as positives count, without any as of one"
    )
    box: BoxTerm = Field("l1", description="giou and diou: of decoded boxes; the paper has l1, smooth")
    box_beta: NotNegative = Field(1.0, description="smooth L1 is linear beyond it; 0 = L1")
    box_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
    focal_gamma: NotNegative = Field(
        0.0, description="anchors that are right already count less (Lin et al. 2017); 0 = plain cross-entropy"
    )
    score_iou: ScoreIoU = 0.0
    class_weights: ClassWeights = Field(
        None, description="of the class term by the box's class, in the order of their ids; none = all 1"
    )

    @model_validator(mode="after")
    def _one_of_two(self):
        if self.focal_gamma and self.score_iou:
            raise ValueError(
                f"focal_gamma is {self.focal_gamma:g} and score_iou {self.score_iou:g}; one of them must be 0, since "
                f"focal loss asks for scores of 1"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class SSDSpec(AnchoredSpec):
    """An SSD's ModelSpec.

    Args:
        anchor_preset: a key of `trizoo.families.ssd.anchors.SSD_ANCHORS`
        strides: input pixels per cell of the two levels that the backbone gives; further blocks make the others
        l2_norm: whether features of the first level are divided by their length; on VGG16 they always are
    """

    family: ClassVar[str] = "ssd"
    learns_outputs: ClassVar[bool] = True
    besides: ClassVar[int] = 1  # the background
    background: ClassVar[str | None] = "output"
    coding: ClassVar = SSD_CODING

    strides: tuple[int, int]
    l2_norm: bool = False

    def names(self, shapes):
        """With a scale, and a first head on as many channels, where features are normalised that weren't."""
        if not self.l2_norm or SCALE in shapes:
            return shapes
        channels = BACKBONES[self.backbone].channels[self.strides[0]]
        found = {}
        for name, shape in shapes.items():
            if name.startswith("extras.") and SCALE not in found:
                found[SCALE] = (channels,)
            own = name.startswith(FIRST_HEAD) and len(shape) == 4
            found[name] = (shape[0], channels, *shape[2:]) if own else shape
        return found

    @property
    def anchors(self):
        """Its DefaultBoxes."""
        return SSD_ANCHORS[self.anchor_preset].scaled(self.anchor_scale)

    @property
    def anchors_per_cell(self):
        """Number of anchors of each level's cells, finest level first."""
        return self.anchors.anchors_per_cell

    def grid(self, size):
        """The AnchorGrid. Raises ValueError for another size than the anchors are for."""
        side = self.anchors.side
        if tuple(size) != (side, side):
            raise ValueError(f"size is {tuple(size)}; {self.name} is for {side}x{side} alone")
        return ssd_grid(self.anchors)

    def assign(self, boxes, labels, grid, loss):
        """See `trizoo.families.ssd.targets.assign`."""
        return assign(boxes, labels, grid, self.num_classes, loss.positive_iou)

    def decode(self, outputs, placements, size, **options):
        """See `trizoo.families.ssd.decode.decode_ssd`."""
        return self.decode_rows(outputs, self.grid(size), placements, **options)

    def decode_rows(self, outputs, grid, placements, **options):
        """See `trizoo.families.ssd.decode.decode_ssd`."""
        return decode_ssd(outputs, grid, placements, coding=self.coding, **options)

    def ranking(self, size):
        """Each class has places in NMS, so that no row is out whose best score isn't below the threshold."""
        return Ranking((len(self.grid(size).boxes),), SHORTLIST, None)

    def promises(self, ops, outputs):
        """The best score of a class itself."""
        deltas, logits = outputs
        return [deltas, logits], ops.of_finite(ops.greatest(ops.softmax(logits)[..., 1:]), logits)

    def heat(self, outputs, size):
        """The best score of each cell's anchors, background left out."""
        scores = np.exp(log_softmax(outputs[1]))[..., 1:].max(axis=-1)
        cells = [(cells, cells) for cells in self.anchors.cells]
        return anchor_heat(scores, self.grid(size), cells)

    def candidates(self, ops, outputs, size, least):
        """See `trizoo.families.ssd.graph.ssd_candidates`."""
        return ssd_candidates(ops, outputs, ssd_grid(self.anchors), self.coding, self.num_classes, least)

    def first_bias(self, name, shape, prior):
        """0: what is no object is found by the mining of negatives."""
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        """The last level has one cell."""
        return 1 if self.norm == "batch" else None

    def parity_loss(self, loss):
        """Every negative counts: which are the hardest is the last bit's choice where two are nearly equal."""
        return loss(negatives=1e9)


@dataclass(frozen=True, kw_only=True)
class SSDArchitecture(AnchoredArchitecture):
    """What an SSD's name stands for.

    Args:
        anchor_presets: keys of `trizoo.families.ssd.anchors.SSD_ANCHORS` that fit its features, the usual one first
        strides: see `SSDSpec`
    """

    options: ClassVar[type[SSDOptions]] = SSDOptions

    anchor_presets: tuple[str, ...]
    strides: tuple[int, int]

    @property
    def only_size(self):
        """That of the anchors."""
        side = SSD_ANCHORS[self.anchor_presets[0]].side
        return side, side

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
        l2_norm=None,
        **normalisation,
    ):
        """The SSDSpec with the model's usual anchors and backbone, or others that fit.

        Args:
            anchor_preset, anchor_scale, backbone, norm, stride_on_1x1, l2_norm: see `SSDSpec`; None = the model's own
            normalisation: mean and std

        Raises:
            UserError: for a backbone that has no features at `strides`
        """
        backbone = backbone or self.backbone
        check_backbone(name, backbone, self.strides, max(self.strides), stride_on_1x1)
        return SSDSpec(
            name=name,
            num_classes=num_classes,
            backbone=backbone,
            strides=self.strides,
            anchor_preset=preset(self.anchor_presets, self.anchor_presets[0], anchor_preset, name),
            anchor_scale=1.0 if anchor_scale is None else float(anchor_scale),
            norm=norm or BACKBONES[backbone].norm,
            stride_on_1x1=bool(stride_on_1x1),
            l2_norm=bool(l2_norm),
            **normalisation,
        )

    def check_input_size(self, name, size):
        """The anchors are for one size alone."""
        if tuple(size) != self.only_size:
            width, height = self.only_size
            raise UserError(
                f"input size {size[0]}x{size[1]} doesn't fit {name}, whose anchors are for {width}x{height} alone"
            )


SSD_ARCHITECTURES = {
    # "ssd300" is torchvision's ssd300_vgg16, "ssd300-caffe" the original (Liu et al. 2016)
    "ssd300-vgg16": SSDArchitecture(
        backbone="vgg16", strides=(8, 16), anchor_presets=("ssd300", "ssd300-caffe", "ssd300-bubbliiiing")
    ),
    "ssd512-vgg16": SSDArchitecture(backbone="vgg16", strides=(8, 16), anchor_presets=("ssd512",)),
    "ssd300-mobilenetv2": SSDArchitecture(
        backbone="mobilenetv2",
        strides=(16, 32),
        anchor_presets=("ssd300-mobilenetv2", "ssd300-mobilenetv2-bubbliiiing"),
        scale_from_scratch=1.41,  # docs/ablations.md: its levels are coarser than those that the sizes were made for
        others={"normalised": {"l2_norm": True}},
    ),
}

SSD = Family(SSD_ARCHITECTURES, SSDLoss)
