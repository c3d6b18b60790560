"""What all networks have in common."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trizoo.families import ModelSpec

Features = Mapping[int, Tensor]  # stride -> (B, C, H, W)


class Adapters(nn.Module):
    """{stride: (B, C, H, W)} -> in training a tuple of (B, a teacher's C, H, W), otherwise an empty one.

    The regressors of Romero et al. 2015, section 2.2; they go when training ends.

    Args:
        own, wanted: stride -> channels of the student's features, and of the teacher's at the strides to learn
    """

    def __init__(self, own: Mapping[int, int], wanted: Mapping[int, int]) -> None:
        super().__init__()
        self.strides = tuple(wanted)
        self.convs = nn.ModuleList([nn.Conv2d(own[stride], channels, 1) for stride, channels in wanted.items()])

    def forward(self, features: Mapping[int, Tensor]) -> tuple[Tensor, ...]:
        if not self.training:
            return ()
        return tuple(conv(features[stride]) for conv, stride in zip(self.convs, self.strides, strict=True))


class Network(nn.Module):
    """uint8 (B, H, W, 3) -> a tuple of outputs, float, in training and in evaluation alike.

    A subclass has `normalize`, a `backbone`, {stride: features} of its output, and says the rest in `from_features`.

    Args:
        spec: the ModelSpec that the network was built from, which also reads its heads
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.adapters: Adapters | None = None

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        features = self.backbone(self.normalize(images))
        outputs = self.from_features(features, images)
        return outputs if self.adapters is None else (*outputs, *self.adapters(features))

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, ...]:
        """The outputs, from the backbone's features of images."""
        raise NotImplementedError

    def add_adapters(self, channels: Mapping[int, int]) -> None:
        """Lets training give adapted features behind the outputs, see `Adapters`.

        Args:
            channels: stride -> channels of a teacher's features
        """
        device = next(self.parameters()).device
        self.adapters = Adapters(self.backbone.channels, channels).to(device, memory_format=torch.channels_last)
