"""The segmentation models: DeepLabv3, DeepLabv3+ and PSPNet on their backbones."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.spec import Architecture, ModelSpec
from trizoo.families.segmentation.targets import assign
from trizoo.ground.fields import NotNegative, Section

OUTPUT_STRIDES = (8, 16)


@dataclass(frozen=True, kw_only=True)
class SegmentationSpec(ModelSpec):
    """A segmentation model's ModelSpec.

    kind, extractor: see `SegmentationArchitecture`
    output_stride: input pixels per cell of the coarsest features; the same weights can be used at either
    """

    family: ClassVar[str] = "segmentation"

    kind: str
    extractor: str
    output_stride: int

    def targets(self, samples, size, loss):
        """See `trizoo.families.segmentation.targets.assign`."""
        return assign([sample.mask for sample in samples], size, self.num_classes, loss.class_weights)

    def first_bias(self, name, shape, prior):
        """0: no class is likelier than another."""
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        """Image pooling makes one value of an image."""
        return 1


@dataclass(frozen=True, kw_only=True)
class SegmentationArchitecture(Architecture):
    """What a segmentation model's name stands for.

    kind: "deeplabv3plus", "deeplabv3" or "pspnet"; extractor: "mobilenetv2", "xception65", "resnet50" or "resnet101"
    output_stride: the usual one
    """

    task: ClassVar[str] = "segmentation"
    takes_any_size: ClassVar[bool] = True
    OPTIONS: ClassVar[tuple[str, ...]] = ("output_stride",)

    kind: str
    extractor: str
    output_stride: int = 16

    @property
    def variants(self):
        """The one of the other output stride."""
        return {
            f"stride {stride}": {"output_stride": stride} for stride in OUTPUT_STRIDES if stride != self.output_stride
        }

    def spec(self, name, num_classes, *, output_stride=None, **normalisation):
        """The SegmentationSpec at the model's usual output stride or the other one."""
        return SegmentationSpec(
            name=name,
            num_classes=num_classes,
            kind=self.kind,
            extractor=self.extractor,
            output_stride=output_stride or self.output_stride,
            **normalisation,
        )


SEGMENTATION_ARCHITECTURES = {
    "deeplabv3plus-mobilenetv2": SegmentationArchitecture(kind="deeplabv3plus", extractor="mobilenetv2"),
    "deeplabv3plus-xception65": SegmentationArchitecture(kind="deeplabv3plus", extractor="xception65"),
    "deeplabv3plus-resnet50": SegmentationArchitecture(kind="deeplabv3plus", extractor="resnet50"),
    "deeplabv3plus-resnet101": SegmentationArchitecture(kind="deeplabv3plus", extractor="resnet101"),
    # torchvision's of the same names
    "deeplabv3-resnet50": SegmentationArchitecture(kind="deeplabv3", extractor="resnet50", output_stride=8),
    "deeplabv3-resnet101": SegmentationArchitecture(kind="deeplabv3", extractor="resnet101", output_stride=8),
    # TensorFlow's DeepLab: one 1x1 and image pooling
    "deeplabv3-mobilenetv2": SegmentationArchitecture(kind="deeplabv3", extractor="mobilenetv2"),
    "pspnet-mobilenetv2": SegmentationArchitecture(kind="pspnet", extractor="mobilenetv2"),
    "pspnet-resnet50": SegmentationArchitecture(kind="pspnet", extractor="resnet50"),
}


class SegmentationLoss(Section):
    """That of segmentation; see `trizoo.families.segmentation.reference.segmentation_loss`."""

    kind: Literal["segmentation"] = "segmentation"
    class_weights: tuple[NotNegative, ...] | None = Field(
        None, description="of cross-entropy, a number a class in the order of their ids; none = all 1"
    )
    focal_gamma: NotNegative = Field(
        0.0, description="pixels that are right already count less (Lin et al. 2017); 0 = plain cross-entropy"
    )
    cross_entropy_gain: NotNegative = 1.0
    dice_gain: NotNegative = Field(0.0, description="of the soft Dice loss (Milletari et al. 2016); 0 = without it")
