"""A model for prediction: batch norms folded into convolutions, no gradients, one copy back."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from torch_zoo.blocks import ConvBlock
from torch_zoo.dilated import shift_wide
from torch_zoo.memory import is_out_of_memory
from torch_zoo.precision import DTYPES
from trizoo.ground.memory import explain_out_of_memory


def make_predictor(model: nn.Module, precision: str, device: torch.device) -> Callable[[np.ndarray], list[np.ndarray]]:
    """A function uint8 (B, H, W, 3) -> outputs as float32 arrays; the model itself is not changed.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    model = fold(copy.deepcopy(model).eval()).to(device, memory_format=torch.channels_last)
    dtype = DTYPES[precision]
    if precision == "bf16" and device.type == "cpu":
        shift_wide(model)

    @torch.inference_mode()
    def predict(images: np.ndarray) -> list[np.ndarray]:
        with explain_out_of_memory(images, is_out_of_memory):
            images = torch.from_numpy(images).to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
                heads = model(images)
            return [head.float().cpu().numpy() for head in heads]

    return predict


def fold(model: nn.Module) -> nn.Module:
    """Merges each block's batch norm into its convolution, in place. The outputs stay the same but for rounding."""
    for module in model.modules():
        if isinstance(module, ConvBlock) and module.norm == "batch":
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = torch.nn.Identity()
    return model
