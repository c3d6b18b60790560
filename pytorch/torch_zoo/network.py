"""What all networks have in common."""

from torch import nn

from trizoo.families import ModelSpec


class Network(nn.Module):
    """uint8 (B, H, W, 3) -> a tuple of outputs, float, in training and in evaluation alike.

    Args:
        spec: the ModelSpec that the network was built from, which also reads its heads
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
