"""Feature extractors, shared by models: by the names of `trizoo.families.base.backbones`.

Each gives {stride: features}, finest first, and says in `channels` how many channels these have: {stride: channels}.
"""

from functools import partial

from keras_zoo.backbones.csp_darknet53 import CSPDarknet53
from keras_zoo.backbones.darknet53 import Darknet53
from keras_zoo.backbones.mobilenet_v2 import MobileNetV2
from keras_zoo.backbones.resnet import ResNet
from keras_zoo.backbones.vgg16 import VGG16
from keras_zoo.backbones.xception65 import Xception65

BACKBONES = {
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


def make_backbone(name, norm, output_stride=32, stride_on_1x1=False, *, rectified=False, deep_stem=False):
    """The named backbone: (B, H, W, 3) -> {stride: features}.

    Args:
        name: a key of BACKBONES
        norm: see `keras_zoo.blocks.ConvBlock`
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
