"""Several processes that train one model under torchrun: sums over what each has, and batch norms by all images.

All that isn't a tensor goes by gloo, whose waits are long: while the first process evaluates, the others wait for it.
"""

import json
import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import torch
from torch import Tensor, distributed, nn

from trizoo.ground.errors import UserError
from trizoo.ground.text import to_json
from trizoo.training.world import World, int_or_none, started

PATIENCE = timedelta(days=7)  # for an evaluation; a process that ends is noticed at once


@contextmanager
def _heard():
    """UserError where another process can't be reached any more."""
    try:
        yield
    except RuntimeError as error:
        raise UserError(
            "another process of this run has ended, or can't be reached; what it said tells why, and --resume goes on "
            "from the last checkpoint"
        ) from error


@dataclass(frozen=True)
class Processes(World):
    """See `trizoo.training.world.World`.

    Args:
        control: the group of all processes in which they talk by gloo
    """

    control: Any = None

    def any(self, flag: bool) -> bool:
        """See `World.any`."""
        value = torch.tensor(int(flag))
        with _heard():
            distributed.all_reduce(value, distributed.ReduceOp.MAX, self.control)
        return bool(value)

    def of_first(self, value: Any) -> Any:
        """See `World.of_first`."""
        text = torch.tensor(list(to_json(value).encode()), dtype=torch.uint8)
        size = torch.tensor(len(text))
        with _heard():
            distributed.broadcast(size, 0, self.control)
            text = text if self.is_first else torch.empty(int(size), dtype=torch.uint8)
            distributed.broadcast(text, 0, self.control)
        return value if self.is_first else json.loads(bytes(text.tolist()))

    def end(self) -> None:
        """See `World.end`."""
        distributed.destroy_process_group()
        world.cache_clear()


@cache
def world() -> World:
    """The processes that torchrun started, told of each other at the first call. Raises UserError where that fails."""
    alone = started()
    if alone.size == 1:
        return alone
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
    with _heard():
        distributed.init_process_group(backend)
        control = distributed.new_group(backend="gloo", timeout=PATIENCE)
    return Processes(alone.rank, alone.size, alone.local_size, control)


def own_gpu(name: str) -> str:
    """The GPU of that name, or of several processes of a machine each its own. UserError where there are too few."""
    if started().size == 1:
        return name
    number, count = int_or_none("LOCAL_RANK"), torch.cuda.device_count()
    if number is None or number >= count:
        raise UserError(
            f"LOCAL_RANK is {os.environ['LOCAL_RANK']} and the machine has GPUs for {count} processes; "
            f"--nproc-per-node {count} or --device cpu would do"
        )
    torch.cuda.set_device(number)
    return f"cuda:{number}"


def total(tensor: Tensor) -> Tensor:
    """The sum over all processes: (...) -> a new (...) without a gradient."""
    tensor = tensor.clone()
    with _heard():
        distributed.all_reduce(tensor)
    return tensor


def add_up(tensors: Sequence[Tensor]) -> None:
    """Adds to each tensor those of the other processes, in place, all at once: they are of one type and device."""
    whole = total(torch.cat([tensor.flatten() for tensor in tensors]))
    for tensor, summed in zip(tensors, whole.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(summed.view_as(tensor))


class _Total(torch.autograd.Function):
    """`total`, whose gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        return total(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return total(gradient)


class SharedBatchNorm(nn.BatchNorm2d):
    """A batch norm that trains by the statistics of all processes' pixels, computed in float32."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            wide = x.float()
            count = total(wide.new_tensor(x.numel() / x.shape[1]))
            mean = _Total.apply(wide.sum((0, 2, 3))) / count
            centred = wide - mean[:, None, None]
            variance = _Total.apply((centred**2).sum((0, 2, 3))) / count
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * count / (count - 1), self.momentum)
                self.num_batches_tracked.add_(1)
            scale = self.weight * torch.rsqrt(variance + self.eps)
            return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def share_batch_norms(model: nn.Module) -> None:
    """Makes every batch norm of a model one that goes by all processes; parameters and names stay as they are."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm
