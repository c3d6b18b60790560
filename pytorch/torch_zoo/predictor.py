"""A model for prediction: batch norms folded into convolutions, no gradients, one copy back."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from torch_zoo.blocks import ConvBlock
from torch_zoo.dilated import shift_wide
from torch_zoo.memory import is_out_of_memory
from torch_zoo.precision import DTYPES
from torch_zoo.shortlist import take_rows
from trizoo.families.base.shortlist import Shortlist
from trizoo.ground.memory import explain_out_of_memory


def make_predictor(
    model: nn.Module, precision: str, device: torch.device, shortlist: bool = False
) -> Callable[[np.ndarray], list[np.ndarray] | Shortlist]:
    """A function uint8 (B, H, W, 3) -> outputs as float32 arrays; the model itself is not changed.

    Args:
        precision: "fp32", "bf16" or "fp16"
        shortlist: the function gives a Shortlist instead, where the model's spec ranks rows
    """
    model = _prepared(model, precision, device)
    dtype = DTYPES[precision]

    @torch.inference_mode()
    def predict(images: np.ndarray) -> list[np.ndarray] | Shortlist:
        ranking = model.spec.ranking(images.shape[2:0:-1]) if shortlist else None
        with explain_out_of_memory(images, is_out_of_memory):
            images = torch.from_numpy(images).to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
                heads = [head.float() for head in model(images)]
            if ranking is None:
                return _to_arrays(heads)
            rows, promises, below, *values = _to_arrays(take_rows(model.spec, ranking, heads))
            return Shortlist(rows, promises, below, values, lambda: _to_arrays(heads))

    return predict


def make_teacher(
    model: nn.Module, strides: Sequence[int], precision: str, device: torch.device
) -> Callable[[np.ndarray], tuple[list[torch.Tensor], list[torch.Tensor]]]:
    """A function uint8 (B, H, W, 3) -> outputs and features of these strides, float32, which stay on the device.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    model = _prepared(model, precision, device)
    dtype = DTYPES[precision]

    @torch.no_grad()
    def teach(images: np.ndarray) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        with explain_out_of_memory(images, is_out_of_memory):
            images = torch.as_tensor(images).to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
                features = model.backbone(model.normalize(images))
                outputs = model.from_features(features, images)
            return [output.float() for output in outputs], [features[stride].float() for stride in strides]

    return teach


def _prepared(model: nn.Module, precision: str, device: torch.device) -> nn.Module:
    """A copy of a model that predicts in a precision."""
    model = fold(copy.deepcopy(model).eval()).to(device, memory_format=torch.channels_last)
    if precision == "bf16" and device.type == "cpu":
        shift_wide(model)
    if DTYPES[precision] is not None:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.to(DTYPES[precision])  # once, and not at each call by autocast
    return model


def _to_arrays(tensors: list[torch.Tensor]) -> list[np.ndarray]:
    """Tensors of any device as arrays."""
    return [tensor.cpu().numpy() for tensor in tensors]


def fold(model: nn.Module) -> nn.Module:
    """Merges each block's batch norm into its convolution, in place. The outputs stay the same but for rounding."""
    for module in model.modules():
        if isinstance(module, ConvBlock) and module.norm == "batch":
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = torch.nn.Identity()
    return model
