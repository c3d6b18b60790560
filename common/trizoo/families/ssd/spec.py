"""The SSD models: their anchors, and the one size of input that each takes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.spec import Architecture, ModelSpec, preset
from trizoo.families.ssd.anchors import SSD_ANCHORS, SSD_CODING, ssd_grid
from trizoo.families.ssd.decode import decode_ssd
from trizoo.families.ssd.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import NotNegative, Probability, Section


@dataclass(frozen=True, kw_only=True)
class SSDSpec(ModelSpec):
    """An SSD's ModelSpec. anchor_preset: a key of `trizoo.families.ssd.anchors.SSD_ANCHORS`."""

    family: ClassVar[str] = "ssd"
    coding: ClassVar = SSD_CODING

    anchor_preset: str
    has_batch_norm: bool = False

    @property
    def anchors_per_cell(self):
        """Number of anchors of each level's cells, finest level first."""
        return SSD_ANCHORS[self.anchor_preset].anchors_per_cell

    def grid(self, size):
        """The AnchorGrid. Raises ValueError for another size than the anchors are for."""
        anchors = SSD_ANCHORS[self.anchor_preset]
        if tuple(size) != (anchors.side, anchors.side):
            raise ValueError(f"size is {tuple(size)}; {self.name} is for {anchors.side}x{anchors.side} alone")
        return ssd_grid(anchors)

    def targets(self, samples, size, loss):
        """See `trizoo.families.ssd.targets.assign`."""
        boxes, labels = [sample.boxes for sample in samples], [sample.labels for sample in samples]
        return assign(boxes, labels, self.grid(size), self.num_classes, loss.positive_iou)

    def decode(self, heads, placements, size, **options):
        """See `trizoo.families.ssd.decode.decode_ssd`."""
        return decode_ssd(heads, self.grid(size), placements, coding=self.coding, **options)

    def first_bias(self, name, shape, prior):
        """0: what is no object is found by the mining of negatives."""
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        """The last level has one cell."""
        return 1 if self.has_batch_norm else None


@dataclass(frozen=True, kw_only=True)
class SSDArchitecture(Architecture):
    """What an SSD's name stands for.

    anchor_presets: keys of `trizoo.families.ssd.anchors.SSD_ANCHORS` that fit its features, the usual one first
    has_batch_norm: whether any of its layers is one
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("anchor_preset",)

    anchor_presets: tuple[str, ...]
    has_batch_norm: bool = False

    @property
    def only_size(self):
        """That of the anchors."""
        side = SSD_ANCHORS[self.anchor_presets[0]].side
        return side, side

    def spec(self, name, num_classes, *, anchor_preset=None, **normalisation):
        """The SSDSpec with the model's usual anchors or another preset that fits its features."""
        chosen = preset(self.anchor_presets, self.anchor_presets[0], anchor_preset, name)
        return SSDSpec(
            name=name,
            num_classes=num_classes,
            anchor_preset=chosen,
            has_batch_norm=self.has_batch_norm,
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
    "ssd300-vgg16": SSDArchitecture(anchor_presets=("ssd300", "ssd300-caffe")),
    "ssd512-vgg16": SSDArchitecture(anchor_presets=("ssd512",)),
    "ssd300-mobilenetv2": SSDArchitecture(anchor_presets=("ssd300-mobilenetv2",), has_batch_norm=True),
}


class SSDLoss(Section):
    """SSD's; see `trizoo.families.ssd.reference.ssd_loss`."""

    kind: Literal["ssd"] = "ssd"
    positive_iou: Probability = Field(0.5, description="an anchor that overlaps a box so much answers for it")
    negatives: NotNegative = Field(3.0, description="of each image so many times as many negatives as positives count")
    box_beta: NotNegative = Field(1.0, description="smooth L1 is linear beyond it; 0 = L1")
    box_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
