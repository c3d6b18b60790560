"""RetinaNet (Lin et al. 2017) on ResNet-18 to -152, or another backbone, of any size of input.

On ResNet-50 it is the graph of torchvision's retinanet_resnet50_fpn, or of its retinanet_resnet50_fpn_v2, with
attributes in its order. The two differ in the heads' towers, which v2 normalises in groups, and in what P6 is made of.
All five levels share their heads.
"""

import torch
from torch import Tensor, nn

from torch_zoo.backbones import make_backbone
from torch_zoo.blocks import ConvBlock, Normalize, per_anchor
from torch_zoo.necks import FPN
from torch_zoo.network import Features, Network
from trizoo.families.retinanet.spec import STRIDES, RetinaNetSpec

PYRAMID_CHANNELS = 256
TOWER_BLOCKS = 4


class ClassHead(nn.Module):
    """The logits of a level: (B, in, H, W) -> (B, H * W * A, C).

    Args:
        num_anchors, num_classes: A of a cell, and C
        norm: see `make_tower`
    """

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, norm: str | None) -> None:
        super().__init__()
        self.tower = make_tower(in_channels, norm)
        self.predict_class = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        self.num_classes = num_classes

    def forward(self, x: Tensor) -> Tensor:
        for block in self.tower:
            x = block(x)
        return per_anchor(self.predict_class(x), self.num_classes)


class BoxHead(nn.Module):
    """The deltas of a level: (B, in, H, W) -> (B, H * W * A, 4).

    Args:
        num_anchors: A, of a cell
        norm: see `make_tower`
    """

    def __init__(self, in_channels: int, num_anchors: int, norm: str | None) -> None:
        super().__init__()
        self.tower = make_tower(in_channels, norm)
        self.predict_box = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.tower:
            x = block(x)
        return per_anchor(self.predict_box(x), 4)


class RetinaNet(Network):
    """uint8 (B, H, W, 3) -> deltas (B, N, 4), logits (B, N, C), of the N anchors of `trizoo.families.anchored.grid`."""

    def __init__(self, spec: RetinaNetSpec) -> None:
        super().__init__(spec)
        num_anchors, norm = spec.anchors_per_cell[0], "group" if spec.v2 else None
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, stride_on_1x1=spec.stride_on_1x1)
        channels = [self.backbone.channels[stride] for stride in STRIDES]
        self.fpn = FPN(channels, PYRAMID_CHANNELS, spec.p6_from_c5)
        self.head_class = ClassHead(PYRAMID_CHANNELS, num_anchors, spec.num_classes, norm)
        self.head_box = BoxHead(PYRAMID_CHANNELS, num_anchors, norm)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, Tensor]:
        levels = self.fpn(*[features[stride] for stride in STRIDES])
        deltas = torch.cat([self.head_box(level) for level in levels], dim=1)
        logits = torch.cat([self.head_class(level) for level in levels], dim=1)
        return deltas, logits


def make_tower(channels: int, norm: str | None) -> nn.ModuleList:
    """The 3x3 blocks before a prediction, a list: (B, C, H, W) -> (B, C, H, W) each.

    Args:
        norm: "group", or None for a bias
    """
    return nn.ModuleList([ConvBlock(channels, channels, 3, activation="relu", norm=norm) for _ in range(TOWER_BLOCKS)])
