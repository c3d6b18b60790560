"""SSD (Liu et al. 2016): SSD300 and SSD512 on VGG16, SSD300 on MobileNetV2.

SSD300 on VGG16 is the graph of torchvision's ssd300_vgg16, with attributes in its order. SSD512 is the original's, of
levels of 64, 32, 16, 8, 4, 2 and 1 cells a side; torchvision's option for it has the same shapes of kernels but 64, 32,
16, 8, 6, 4 and 1 cells, since from the fifth level on it neither strides nor pads.

On MobileNetV2 the first level is what a block expands its input to at stride 16 (Sandler et al. 2018, section 6.2), the
second the last features, and inverted residuals make the others. Heads are full convolutions here too. With `l2_norm`
the first level is what a block gives, normalised by length, and a ReLU ends those that inverted residuals make.

Another backbone may stand in the place of either, if it has features at the same strides.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from torch_zoo.backbones import make_backbone
from torch_zoo.backbones.mobilenet_v2 import InvertedResidual, MobileNetV2
from torch_zoo.blocks import ConvBlock, L2Norm, Normalize, per_anchor, relu
from torch_zoo.network import Features, Network
from trizoo.families.ssd.spec import SSDSpec


class ExtraBlock(nn.Module):
    """1x1 to half the channels, then what makes the next level: (B, in, H, W) -> (B, out, h, w).

    Args:
        kernel_size, stride, padding: of the second block, whose padding is in cells on each side
        norm: see `ConvBlock`
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, padding: int, norm: str | None = None
    ) -> None:
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels // 2, 1, activation="relu", norm=norm)
        self.conv2 = ConvBlock(out_channels // 2, out_channels, kernel_size, stride, "relu", padding=padding, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class SSDHead(nn.Module):
    """The predictions of a level: (B, in, H, W) -> deltas (B, H * W * A, 4), logits (B, H * W * A, 1 + C).

    Args:
        num_anchors, num_classes: A of a cell, and C without the background
    """

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int) -> None:
        super().__init__()
        self.predict_box = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        self.predict_class = nn.Conv2d(in_channels, num_anchors * (1 + num_classes), 3, padding=1)
        self.num_logits = 1 + num_classes

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return per_anchor(self.predict_box(x), 4), per_anchor(self.predict_class(x), self.num_logits)


class SSDVGG16(Network):
    """uint8 (B, 300, 300, 3) -> deltas (B, 8732, 4), logits (B, 8732, 1 + C), of `trizoo.families.ssd.anchors`.

    The first logit is the background's.
    """

    # per block out channels; kernel size, stride and padding of its second convolution
    extra_numbers: tuple[tuple[int, ...], ...] = ((512, 3, 2, 1), (256, 3, 2, 1), (256, 3, 1, 0), (256, 3, 1, 0))

    def __init__(self, spec: SSDSpec) -> None:
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, max(spec.strides), spec.stride_on_1x1)
        first, second = (self.backbone.channels[stride] for stride in spec.strides)
        self.l2_norm = L2Norm(first)
        channels = (first, second, *[numbers[0] for numbers in self.extra_numbers])
        pairs = zip(channels[1:-1], self.extra_numbers, strict=True)
        self.extras = nn.ModuleList([ExtraBlock(before, *numbers, spec.norm) for before, numbers in pairs])
        self.heads = make_heads(channels, spec)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (features[stride] for stride in self.spec.strides)
        levels = [self.l2_norm(first), second]
        for block in self.extras:
            levels.append(block(levels[-1]))
        return predict(self.heads, levels)


class SSD512VGG16(SSDVGG16):
    """uint8 (B, 512, 512, 3) -> deltas (B, 24564, 4), logits (B, 24564, 1 + C)."""

    extra_numbers = ((512, 3, 2, 1), (256, 3, 2, 1), (256, 3, 2, 1), (256, 3, 2, 1), (256, 4, 1, 1))


class SSDMobileNetV2(Network):
    """uint8 (B, 300, 300, 3) -> deltas (B, 3000, 4), logits (B, 3000, 1 + C)."""

    def __init__(self, spec: SSDSpec) -> None:
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        if spec.backbone == "mobilenetv2":
            self.backbone = MobileNetV2(spec.norm, last=True, expanded=not spec.l2_norm)
        else:
            self.backbone = make_backbone(spec.backbone, spec.norm, max(spec.strides), spec.stride_on_1x1)
        first, second = (self.backbone.channels[stride] for stride in spec.strides)
        self.l2_norm = L2Norm(first) if spec.l2_norm else None
        self.extras = nn.ModuleList(
            [
                InvertedResidual(second, 256, 512, stride=2, norm=spec.norm),
                InvertedResidual(512, 128, 256, stride=2, norm=spec.norm),
                InvertedResidual(256, 128, 256, stride=2, norm=spec.norm),
                InvertedResidual(256, 64, 64, stride=2, norm=spec.norm),
            ]
        )
        self.heads = make_heads((first, second, 512, 256, 256, 64), spec)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (features[stride] for stride in self.spec.strides)
        levels = [first if self.l2_norm is None else self.l2_norm(first), second]
        for block in self.extras:
            x, _ = block(levels[-1])
            levels.append(x if self.l2_norm is None else relu(x))
        return predict(self.heads, levels)


def make_heads(channels: Sequence[int], spec: SSDSpec) -> nn.ModuleList:
    """A head for each level of so many channels."""
    pairs = zip(channels, spec.anchors_per_cell, strict=True)
    return nn.ModuleList([SSDHead(in_channels, anchors, spec.num_classes) for in_channels, anchors in pairs])


def predict(heads: nn.ModuleList, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The predictions of all levels, finest first: deltas (B, anchors, 4), logits (B, anchors, 1 + C)."""
    deltas, logits = zip(*[head(level) for head, level in zip(heads, levels, strict=True)], strict=True)
    return torch.cat(deltas, dim=1), torch.cat(logits, dim=1)
