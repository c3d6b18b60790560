"""What the specs of SSD and RetinaNet have in common."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from trizoo.families.anchored.adaptive import assign_adaptively
from trizoo.families.anchored.matching import iou_with_anchors
from trizoo.families.base.spec import BackboneOptions, ModelSpec
from trizoo.ground.errors import UserError

CHUNK = 16  # boxes that are compared with all anchors at once, of which RetinaNet has 120,000


BoxTerm = Literal["l1", "giou", "diou"]
Assigner = Annotated[
    Literal["iou", "atss"],
    Field(description="iou: anchors by the thresholds below; atss: by one that each box has of its own"),
]


class AnchoredOptions(BackboneOptions):
    """Options of the recipe's model section."""

    anchor_preset: str | None = Field(None, description="SSD's and RetinaNet's anchors; none = torchvision's")


@dataclass(frozen=True, kw_only=True)
class AnchoredSpec(ModelSpec):
    """The ModelSpec of a model whose boxes are offsets from anchors.

    Args:
        backbone: a key of `trizoo.families.base.backbones.BACKBONES`
        anchor_preset: names its anchors
        stride_on_1x1: where a ResNet's bottleneck halves its input, as in Caffe's and Keras's weights, instead of on
            the 3x3
    """

    backbone: str
    anchor_preset: str
    stride_on_1x1: bool = False

    @property
    def output_names(self):
        """Offsets of boxes from anchors, and what each class is worth there."""
        return "deltas", "logits"

    def targets(self, samples, size, loss):
        """By `assign`, or adaptively; see `trizoo.families.anchored.matching.targets_of`."""
        boxes, labels = [sample.boxes for sample in samples], [sample.labels for sample in samples]
        grid = self.grid(size)
        if loss.assigner == "atss":
            return assign_adaptively(boxes, labels, grid, self.num_classes, self.anchors_per_cell)
        return self.assign(boxes, labels, grid, loss)

    def anchor_overlaps(self, boxes, size):
        """With anchors where they lie: small boxes fall between the cells' centres."""
        anchors = self.grid(size).boxes
        parts = [iou_with_anchors(boxes[first : first + CHUNK], anchors) for first in range(0, len(boxes), CHUNK)]
        return np.concatenate([np.zeros(0, np.float32), *(part.max(axis=1) for part in parts)])

    def taught_by(self, teacher, size):
        """A model of the family with the same anchors at this size."""
        taught = super().taught_by(teacher, size)
        ours, theirs = self.grid(size).boxes, teacher.grid(size).boxes
        if ours.shape != theirs.shape or not np.allclose(ours, theirs) or self.coding != teacher.coding:
            raise UserError(
                f"{self.name} has {len(ours)} anchors at {size[0]}x{size[1]} pixels, and its teacher {teacher.name} "
                f"has others ({len(theirs)}); another teacher, or --set distill.outputs=0 --set distill.features=1, "
                f"would do"
            )
        return taught

    def misfit(self, other):
        """Boxes that are offsets from other anchors mean other boxes."""
        if self.anchor_preset == other.anchor_preset:
            return None
        return (
            f"was trained with the anchors {other.anchor_preset}, which don't fit model.anchor_preset "
            f"{self.anchor_preset}; leave that out, or train from a backbone"
        )
