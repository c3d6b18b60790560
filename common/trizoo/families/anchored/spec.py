"""What the specs of SSD and RetinaNet have in common."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.anchored.adaptive import assign_adaptively
from trizoo.families.anchored.matching import iou_with_anchors
from trizoo.families.base.spec import Architecture, BackboneOptions, ModelSpec
from trizoo.ground.errors import UserError
from trizoo.ground.fields import Probability

CHUNK = 16  # boxes that are compared with all anchors at once, of which RetinaNet has 120,000
SCALE_BOUNDS = (0.01, 100)  # of anchor_scale

BoxTerm = Literal["l1", "giou", "diou"]
Assigner = Annotated[
    Literal["iou", "atss"],
    Field(description="iou: anchors by the thresholds below; atss: by one that each box has of its own"),
]
ScoreIoU = Annotated[
    Probability,
    Field(description="scores of positives learn 1 less this share of what their box's IoU lacks of 1"),
]


class AnchoredOptions(BackboneOptions):
    """Options of the recipe's model section."""

    anchor_preset: str | None = Field(None, description="SSD's and RetinaNet's anchors; none = torchvision's")
    anchor_scale: Annotated[float, Field(ge=SCALE_BOUNDS[0], le=SCALE_BOUNDS[1])] | None = Field(
        None, description="SSD's and RetinaNet's anchors are so many times as large as the preset's; none = 1"
    )


@dataclass(frozen=True, kw_only=True)
class AnchoredSpec(ModelSpec):
    """The ModelSpec of a model whose boxes are offsets from anchors.

    Args:
        backbone: a key of `trizoo.families.base.backbones.BACKBONES`
        anchor_preset: names its anchors
        anchor_scale: how many times as large as the preset's they are
        stride_on_1x1: where a ResNet's bottleneck halves its input, as in Caffe's and Keras's weights, instead of on
            the 3x3
    """

    fits_anchors: ClassVar[str | None] = "anchor_scale"

    backbone: str
    anchor_preset: str
    anchor_scale: float = 1.0
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
            ways = "another teacher, or --set distill.outputs=0 --set distill.features=1,"
            if self.anchor_preset == teacher.anchor_preset and self.anchor_scale != teacher.anchor_scale:
                ways = f"--set model.anchor_scale={teacher.anchor_scale:g}, the teacher's, {ways}"
            raise UserError(
                f"{self.name} has {len(ours)} anchors at {size[0]}x{size[1]} pixels, and its teacher {teacher.name} "
                f"has others ({len(theirs)}); {ways} would do"
            )
        return taught

    def misfit(self, other):
        """Boxes that are offsets from other anchors mean other boxes."""
        for key, what in (("anchor_preset", "the anchors"), ("anchor_scale", "anchors times")):
            ours, theirs = getattr(self, key), getattr(other, key)
            if ours != theirs:
                return (
                    f"was trained with {what} {theirs}, which don't fit model.{key} {ours}; leave that out, or train "
                    f"from a backbone"
                )
        return None


@dataclass(frozen=True, kw_only=True)
class AnchoredArchitecture(Architecture):
    """What the name of such a model stands for.

    Args:
        scale_from_scratch: `anchor_scale` that a training from scratch begins with unless others fit clearly better,
            of the usual anchors
    """

    scale_from_scratch: float = 1.0
