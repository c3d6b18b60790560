"""Feature extractors, shared by models: by the names of `trizoo.families.base.backbones`.

Each gives {stride: features}, finest first, and says in `channels` how many channels these have: {stride: channels}.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from torch_zoo.backbones.csp_darknet53 import CSPDarknet53
from torch_zoo.backbones.darknet53 import Darknet53
from torch_zoo.backbones.mobilenet_v2 import MobileNetV2
from torch_zoo.backbones.resnet import ResNet
from torch_zoo.backbones.vgg16 import VGG16
from torch_zoo.backbones.xception65 import Xception65

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "vgg16": VGG16,
    "resnet18": partial(ResNet, 18),
    "resnet34": partial(ResNet, 34),
    "resnet50": partial(ResNet, 50),
    "resnet101": partial(ResNet, 101),
    "resnet152": partial(ResNet, 152),
    "mobilenetv2": MobileNetV2,
    "darknet53": Darknet53,
    "cspdarknet53": CSPDarknet53,
    "xception65": Xception65,
}


def make_backbone(
    name: str,
    norm: str | None,
    output_stride: int = 32,
    stride_on_1x1: bool = False,
    *,
    rectified: bool = False,
    deep_stem: bool = False,
) -> nn.Module:
    """The named backbone: (B, 3, H, W) -> {stride: features}.

    Args:
        name: a key of BACKBONES
        norm: see `torch_zoo.blocks.ConvBlock`
        output_stride: input pixels per cell of its last features, at most
        stride_on_1x1: of a ResNet's bottlenecks, see there
        rectified: of Xception-65, see there
        deep_stem: of a ResNet, see there

    Raises:
        ValueError: for an output stride that the backbone can't have
    """
    own = {"stride_on_1x1": stride_on_1x1, "rectified": rectified, "deep_stem": deep_stem}
    options = {option: True for option, given in own.items() if given}
    return BACKBONES[name](norm=norm, output_stride=output_stride, **options)
