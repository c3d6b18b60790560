"""Which backbones there are, and what each gives to a neck or a head."""

from dataclasses import dataclass

from trizoo.ground.errors import UserError

COARSEST = 32  # input pixels per cell that every backbone but VGG16 goes down to


@dataclass(frozen=True)
class Backbone:
    """What a backbone gives, whatever stands on it.

    Args:
        channels: stride (input pixels per cell) -> channels of the features there, finest first
        norm: the normalisation that it has of its own: "batch", or None for convolutions with a bias
        dilates: whether it can keep a stride of 8 or 16 to the end, by dilation
    """

    channels: dict[int, int]
    norm: str | None = "batch"
    dilates: bool = True

    def at(self, output_stride):
        """`channels` where nothing strides beyond `output_stride`: the last features are there."""
        last = self.channels[max(self.channels)]
        finer = {stride: count for stride, count in self.channels.items() if stride < output_stride}
        return finer | {min(output_stride, max(self.channels)): last}


_SHALLOW, _DEEP = {4: 64, 8: 128, 16: 256, 32: 512}, {4: 256, 8: 512, 16: 1024, 32: 2048}
BACKBONES = {
    "vgg16": Backbone({4: 256, 8: 512, 16: 1024}, norm=None, dilates=False),
    "resnet18": Backbone(_SHALLOW),
    "resnet34": Backbone(_SHALLOW),
    "resnet50": Backbone(_DEEP),
    "resnet101": Backbone(_DEEP),
    "resnet152": Backbone(_DEEP),
    "mobilenetv2": Backbone({4: 24, 8: 32, 16: 96, 32: 320}),
    "darknet53": Backbone({4: 128, 8: 256, 16: 512, 32: 1024}),
    "cspdarknet53": Backbone({4: 128, 8: 256, 16: 512, 32: 1024}),
    "xception65": Backbone({4: 256, 8: 256, 16: 728, 32: 2048}),
}

WITH_BOTTLENECKS = ("resnet50", "resnet101", "resnet152")


def check_backbone(model, name, strides, output_stride=COARSEST, stride_on_1x1=False):
    """UserError, with what would do, unless the named backbone gives features at these strides to a model.

    Args:
        model: its name
        name: the backbone's
        strides: input pixels per cell
        output_stride: beyond which nothing strides
        stride_on_1x1: whether that was asked for, which bottlenecks alone have
    """
    if stride_on_1x1 and name in BACKBONES and name not in WITH_BOTTLENECKS:
        raise UserError(
            f"model.stride_on_1x1 is for {', '.join(WITH_BOTTLENECKS)}, and {model} stands on {name}; leave it out"
        )
    if fits(name, strides, output_stride):
        return
    able = ", ".join(known for known in BACKBONES if fits(known, strides, output_stride))
    if name not in BACKBONES:
        raise UserError(f"model.backbone is {name!r}, which the zoo doesn't have; {model} can stand on {able}")
    needed = ", ".join(map(str, strides))
    raise UserError(f"model.backbone is {name}, and {model} needs features at the strides {needed}; {able} have them")


def fits(name, strides, output_stride=COARSEST):
    """Whether the named backbone has features at these strides when nothing strides beyond `output_stride`."""
    known = BACKBONES.get(name)
    if known is None or (output_stride < max(known.channels) and not known.dilates):
        return False
    return set(strides) <= known.at(output_stride).keys()
