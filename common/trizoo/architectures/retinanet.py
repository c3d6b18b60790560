"""The RetinaNet models: their backbones, anchors and heads."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trizoo.anchor_grid import RETINANET_ANCHORS, retinanet_grid
from trizoo.architectures.base import Architecture, ModelSpec, preset
from trizoo.box_coding import KERAS_RETINANET_CODING, RETINANET_CODING
from trizoo.decode_anchors import decode_retinanet
from trizoo.targets.retinanet import assign

CODINGS = {"retinanet": RETINANET_CODING, "keras-retinanet": KERAS_RETINANET_CODING}


@dataclass(frozen=True, kw_only=True)
class RetinaNetSpec(ModelSpec):
    """A RetinaNet's ModelSpec.

    depth: of the ResNet; v2: see `RetinaNetArchitecture`; anchor_preset: a key of
    `trizoo.anchor_grid.RETINANET_ANCHORS`, which also says how boxes are coded
    norm: "batch" or "group", of the backbone; stride_on_1x1: where a bottleneck halves its input, as in Caffe's and
    Keras's weights, instead of on the 3x3; p6_from_c5: what P6 is made of, instead of P5
    """

    family: ClassVar[str] = "retinanet"

    depth: int
    v2: bool
    anchor_preset: str
    norm: str = "batch"
    stride_on_1x1: bool = False
    p6_from_c5: bool = False

    @property
    def anchors_per_cell(self):
        """Number of anchors of each level's cells: of P3 to P7."""
        return RETINANET_ANCHORS[self.anchor_preset].anchors_per_cell

    @property
    def coding(self):
        """What the deltas are."""
        return CODINGS[self.anchor_preset]

    def grid(self, size):
        """The AnchorGrid at an input size (width, height)."""
        return retinanet_grid(tuple(size), RETINANET_ANCHORS[self.anchor_preset])

    def targets(self, samples, size, loss):
        """See `trizoo.targets.retinanet.assign`."""
        boxes, labels = [sample.boxes for sample in samples], [sample.labels for sample in samples]
        thresholds = loss.positive_iou, loss.negative_iou, loss.low_quality
        return assign(boxes, labels, self.grid(size), self.num_classes, *thresholds)

    def decode(self, heads, placements, size, **options):
        """See `trizoo.decode_anchors.decode_retinanet`."""
        return decode_retinanet(heads, self.grid(size), placements, coding=self.coding, **options)

    def first_bias(self, name, shape, prior):
        """0, but the logit of the prior for each class (Lin et al. 2017, section 4.1)."""
        return np.full(shape, -math.log(1 / prior - 1) if ".predict_class." in name else 0, np.float32)

    def least_values(self, size):
        """Cells of C5, the coarsest features of the backbone."""
        return None if self.norm == "group" else math.ceil(size[0] / 32) * math.ceil(size[1] / 32)


@dataclass(frozen=True, kw_only=True)
class RetinaNetArchitecture(Architecture):
    """What a RetinaNet's name stands for.

    depth: of the ResNet; v2: heads with group normalisation and P6 from C5, torchvision's retinanet_resnet50_fpn_v2
    """

    takes_any_size: ClassVar[bool] = True
    OPTIONS: ClassVar[tuple[str, ...]] = ("anchor_preset", "norm", "stride_on_1x1", "p6_from_c5")

    depth: int
    v2: bool = False

    def spec(
        self,
        name,
        num_classes,
        *,
        anchor_preset=None,
        norm=None,
        stride_on_1x1=None,
        p6_from_c5=None,
        **normalisation,
    ):
        """The RetinaNetSpec; options that are None are torchvision's."""
        return RetinaNetSpec(
            name=name,
            num_classes=num_classes,
            depth=self.depth,
            v2=self.v2,
            anchor_preset=preset(RETINANET_ANCHORS, "retinanet", anchor_preset, name),
            norm=norm or "batch",
            stride_on_1x1=bool(stride_on_1x1),
            p6_from_c5=self.v2 if p6_from_c5 is None else p6_from_c5,
            **normalisation,
        )


RETINANET_ARCHITECTURES = {
    "retinanet-resnet18": RetinaNetArchitecture(depth=18),
    "retinanet-resnet34": RetinaNetArchitecture(depth=34),
    "retinanet-resnet50": RetinaNetArchitecture(depth=50),
    "retinanet-resnet50-v2": RetinaNetArchitecture(depth=50, v2=True),
    "retinanet-resnet101": RetinaNetArchitecture(depth=101),
    "retinanet-resnet152": RetinaNetArchitecture(depth=152),
}
