"""What compares a student's features with its teacher's: 1x1 convolutions to as many channels."""

from collections.abc import Mapping

from torch import Tensor, nn


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
