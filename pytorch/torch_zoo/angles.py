"""Vectors of images, and the angles between them."""

import torch
from torch import Tensor, nn

from torch_zoo.blocks import L2_EPS


def unit_length(x: Tensor) -> Tensor:
    """Vectors divided by their length, in float32: (N, D) -> (N, D)."""
    x = x.float()
    return x * x.square().sum(dim=-1, keepdim=True).clamp(min=L2_EPS**2).rsqrt()


def cosines(vectors: Tensor, centres: nn.Conv2d) -> Tensor:
    """Cosines of the angles between vectors of length 1 and each kernel of a 1x1 convolution: (B, D) -> float32 (B, C).

    Args:
        centres: its kernels are (C, D, 1, 1)
    """
    kernels = unit_length(centres.weight.flatten(1))
    if vectors.is_meta:  # nothing is computed there, and there is no autocast
        return vectors @ kernels.T
    with torch.autocast(vectors.device.type, enabled=False):
        return vectors @ kernels.T
