"""The segmentation models: DeepLabv3, DeepLabv3+ and PSPNet on their backbones."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.backbones import BACKBONES, check_backbone
from trizoo.families.base.heat import CellScores
from trizoo.families.base.spec import Architecture, BackboneOptions, Family, ModelSpec
from trizoo.families.base.terms import log_softmax
from trizoo.families.segmentation.names import with_deep_stem, with_full_convolutions, with_head_channels
from trizoo.families.segmentation.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import ClassWeights, Count, NotNegative, Section

OUTPUT_STRIDES = (8, 16)
RESNETS = tuple(name for name in BACKBONES if name.startswith("resnet"))


class SegmentationOptions(BackboneOptions):
    """Options of the recipe's model section."""

    output_stride: Literal[OUTPUT_STRIDES] | None = Field(
        None, description="of segmentation models: input pixels per coarsest cell; none = the model's own"
    )
    align_corners: bool | None = Field(
        None,
        description="of segmentation models: resizing has corners meet corners, as in TensorFlow; none = no",
    )
    separable: bool | None = Field(
        None, description="DeepLabv3+'s 3x3 convolutions behind the backbone are depthwise separable; none = yes"
    )
    rectified: bool | None = Field(
        None,
        description="of Xception-65: the middle flow adds rectified features, and what follows is dilated no more than "
        "it, as in PyTorch's files; none = no",
    )
    deep_stem: bool | None = Field(
        None, description="a segmentation model's ResNet begins with three 3x3 convolutions; none = with one of 7x7"
    )
    head_channels: Count | None = Field(
        None, description="of the block before PSPNet's logits; none = the model's own, 512"
    )


class SegmentationLoss(Section):
    """That of segmentation; see `trizoo.families.segmentation.reference.segmentation_loss`."""

    kind: Literal["segmentation"] = "segmentation"
    class_weights: ClassWeights = Field(
        None, description="of cross-entropy, a number a class in the order of their ids; none = all 1"
    )
    focal_gamma: NotNegative = Field(
        0.0, description="pixels that are right already count less (Lin et al. 2017); 0 = plain cross-entropy"
    )
    cross_entropy_gain: NotNegative = 1.0
    dice_gain: NotNegative = Field(0.0, description="of the soft Dice loss (Milletari et al. 2016); 0 = without it")


@dataclass(frozen=True, kw_only=True)
class SegmentationSpec(ModelSpec):
    """A segmentation model's ModelSpec.

    Args:
        kind: see `SegmentationArchitecture`
        backbone: a key of `trizoo.families.base.backbones.BACKBONES`
        output_stride: input pixels per cell of the coarsest features; the same weights can be used at either
        backbone_norm: the backbone's normalisation; `norm` is that of what stands on it
        stride_on_1x1: where a ResNet's bottleneck halves its input, instead of on the 3x3
        align_corners: whether features and logits are resized so that the centres of the outermost pixels meet, as in
            TensorFlow's DeepLab, and not by centres of pixels
        separable: whether DeepLabv3+'s 3x3 convolutions behind the backbone are depthwise separable
        rectified: see Xception-65 of each framework
        deep_stem: whether a ResNet begins with three 3x3 convolutions
        head_channels: of the block before PSPNet's logits, None for its own
    """

    family: ClassVar[str] = "segmentation"
    learns_outputs: ClassVar[bool] = True
    background: ClassVar[str | None] = "class"

    kind: str
    backbone: str
    output_stride: int
    backbone_norm: str | None = "batch"
    stride_on_1x1: bool = False
    align_corners: bool = False
    separable: bool = True
    rectified: bool = False
    deep_stem: bool = False
    head_channels: int | None = None

    def names(self, shapes):
        """Options that make other convolutions are counted in."""
        if not self.separable:
            shapes = with_full_convolutions(shapes)
        if self.deep_stem:
            shapes = with_deep_stem(shapes)
        return shapes if self.head_channels is None else with_head_channels(shapes, self.head_channels)

    def settings(self, known):
        """No normalisation is asked for where the backbone has its own."""
        norm = self.norm if self.norm == self.backbone_norm else None
        return {**super().settings(known), "norm": norm}

    @property
    def output_names(self):
        """What each class is worth at each pixel."""
        return ("logits",)

    def targets(self, samples, size, loss):
        """See `trizoo.families.segmentation.targets.assign`."""
        return assign([sample.mask for sample in samples], size, self.num_classes, loss.class_weights)

    def heat(self, outputs, size):
        """The likeliest class's share of the softmax at each pixel."""
        (logits,) = outputs
        return [CellScores(np.exp(log_softmax(logits).max(axis=-1)), (0.5, 0.5), (1.0, 1.0))]

    def first_bias(self, name, shape, prior):
        """0: no class is likelier than another."""
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        """Image pooling makes one value of an image."""
        return None if self.norm == "group" else 1


@dataclass(frozen=True, kw_only=True)
class SegmentationArchitecture(Architecture):
    """What a segmentation model's name stands for.

    Args:
        kind: "deeplabv3plus", "deeplabv3" or "pspnet"
        output_stride: the usual one
    """

    task: ClassVar[str] = "segmentation"
    takes_any_size: ClassVar[bool] = True
    options: ClassVar[type[SegmentationOptions]] = SegmentationOptions

    kind: str
    output_stride: int = 16

    @property
    def variants(self):
        """The one of the other output stride, and `others`."""
        strides = {
            f"stride {stride}": {"output_stride": stride} for stride in OUTPUT_STRIDES if stride != self.output_stride
        }
        return strides | self.others

    def spec(
        self,
        name,
        num_classes,
        *,
        output_stride=None,
        backbone=None,
        norm=None,
        stride_on_1x1=None,
        align_corners=None,
        separable=None,
        rectified=None,
        deep_stem=None,
        head_channels=None,
        **normalisation,
    ):
        """The SegmentationSpec at the model's usual output stride or the other one, on its usual backbone or another.

        Args:
            output_stride, backbone, norm, stride_on_1x1, align_corners: see `SegmentationSpec`; None = the model's own
            separable, rectified, deep_stem, head_channels: see there too
            normalisation: mean and std

        Raises:
            UserError: for a backbone that doesn't reach that stride, or has nothing at stride 4 for a decoder; for an
                option that the model or its backbone hasn't
        """
        backbone, output_stride = backbone or self.backbone, output_stride or self.output_stride
        strides = (4, output_stride) if self.kind == "deeplabv3plus" else (output_stride,)
        check_backbone(name, backbone, strides, output_stride, stride_on_1x1)
        if separable is False and self.kind != "deeplabv3plus":
            raise UserError(f"model.separable is false, and {name} has no separable convolutions; leave it out")
        if head_channels is not None and self.kind != "pspnet":
            raise UserError(f"model.head_channels is {head_channels}, which is for PSPNet, not {name}; leave it out")
        for option, given, able in (("rectified", rectified, ("xception65",)), ("deep_stem", deep_stem, RESNETS)):
            if given and backbone not in able:
                raise UserError(
                    f"model.{option} is for {', '.join(able)}, and {name} stands on {backbone}; leave it out"
                )
        return SegmentationSpec(
            name=name,
            num_classes=num_classes,
            kind=self.kind,
            backbone=backbone,
            output_stride=output_stride,
            norm=norm or "batch",
            backbone_norm=norm or BACKBONES[backbone].norm,
            stride_on_1x1=bool(stride_on_1x1),
            align_corners=bool(align_corners),
            separable=separable is not False,
            rectified=bool(rectified),
            deep_stem=bool(deep_stem),
            head_channels=head_channels,
            **normalisation,
        )


SEGMENTATION_ARCHITECTURES = {
    "deeplabv3plus-mobilenetv2": SegmentationArchitecture(
        kind="deeplabv3plus", backbone="mobilenetv2", others={"full": {"separable": False}}
    ),
    "deeplabv3plus-xception65": SegmentationArchitecture(
        kind="deeplabv3plus", backbone="xception65", others={"rectified": {"rectified": True, "output_stride": 8}}
    ),
    "deeplabv3plus-resnet50": SegmentationArchitecture(kind="deeplabv3plus", backbone="resnet50"),
    "deeplabv3plus-resnet101": SegmentationArchitecture(kind="deeplabv3plus", backbone="resnet101"),
    # torchvision's of the same names
    "deeplabv3-resnet50": SegmentationArchitecture(kind="deeplabv3", backbone="resnet50", output_stride=8),
    "deeplabv3-resnet101": SegmentationArchitecture(kind="deeplabv3", backbone="resnet101", output_stride=8),
    # TensorFlow's DeepLab: one 1x1 and image pooling
    "deeplabv3-mobilenetv2": SegmentationArchitecture(kind="deeplabv3", backbone="mobilenetv2"),
    "pspnet-mobilenetv2": SegmentationArchitecture(
        kind="pspnet", backbone="mobilenetv2", others={"narrow": {"head_channels": 80}}
    ),
    "pspnet-resnet50": SegmentationArchitecture(
        kind="pspnet",
        backbone="resnet50",
        others={
            "deep stem": {"deep_stem": True},
            "deep stem of Keras": {"deep_stem": True, "stride_on_1x1": True, "output_stride": 8},
        },
    ),
}

SEGMENTATION = Family(SEGMENTATION_ARCHITECTURES, SegmentationLoss)
