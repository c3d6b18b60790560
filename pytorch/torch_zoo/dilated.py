"""Wide dilated convolutions in bf16 on a CPU, for which oneDNN has no fast way.

A 3x3 convolution of 2,048 channels at dilation 24 on 64x64 cells takes 1.2 s of one core with AMX there, and 0.13 s as
nine products. In fp32 there is no such difference.
"""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, its usual name

LEAST_CHANNELS, LEAST_DILATION = 1024, 6  # below these oneDNN's own way is as fast or faster


class ShiftedConv(nn.Module):
    """A dilated 3x3 convolution as the sum of nine 1x1 ones: (B, in, H, W) -> (B, out, H, W).

    Args:
        conv: of stride 1 and one group, its padding its dilation; the weights are its own
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias, self.dilation = conv.weight, conv.bias, conv.dilation[0]

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        out = F.conv2d(x, self.weight[:, :, 1:2, 1:2], self.bias)
        for row in range(3):
            for column in range(3):
                down, right = (row - 1) * self.dilation, (column - 1) * self.dilation
                if (down, right) == (0, 0) or abs(down) >= height or abs(right) >= width:
                    continue
                # of the cells whose neighbour lies on the map; the others' would be padding
                seen = x[:, :, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
                place = out[:, :, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
                place += F.conv2d(seen, self.weight[:, :, row : row + 1, column : column + 1])
        return out


def shift_wide(model: nn.Module) -> nn.Module:
    """Replaces the convolutions that gain by it, in place. The outputs stay the same but for rounding."""
    for module in list(model.modules()):
        for name, conv in module.named_children():
            if isinstance(conv, nn.Conv2d) and _gains(conv):
                setattr(module, name, ShiftedConv(conv))
    return model


def _gains(conv):
    plain = conv.kernel_size == (3, 3) and conv.stride == (1, 1) and conv.groups == 1
    wide = conv.in_channels >= LEAST_CHANNELS and conv.dilation[0] >= LEAST_DILATION
    return plain and wide and conv.padding == conv.dilation and conv.dilation[0] == conv.dilation[1]
