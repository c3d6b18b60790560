"""Several processes that train one model under torchrun: sums over what each has, and batch norms by all images.

All that isn't a tensor of a step goes by gloo, whose waits are long: of an evaluation the metrics are the first's.
"""

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from trizoo.ground.errors import UserError
from trizoo.ground.text import to_json
from trizoo.training.exchanging import tells_of
from trizoo.training.meeting import meet_all
from trizoo.training.world import ENDED, World, by_torchrun, int_or_none, started

PATIENCE = timedelta(days=7)  # for the first's part of an evaluation; a process that ends is noticed at once


@contextmanager
def _heard():
    """UserError where another process can't be reached any more."""
    try:
        yield
    except RuntimeError as error:
        raise UserError(ENDED) from error


@dataclass(frozen=True)
class Processes(World):
    """See `trizoo.training.world.World`.

    Args:
        control: the group of all processes in which they talk by gloo
        store: of keys and values that all have, also while some are in a step
    """

    control: Any = None
    store: Any = None

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

    def arrays_of_first(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `World.arrays_of_first`."""
        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        with _heard():
            for tensor in tensors.values():
                distributed.broadcast(tensor, 0, self.control)
        return {name: tensor.numpy() for name, tensor in tensors.items()}

    def gather(self, arrays: Mapping[str, np.ndarray]) -> list[Mapping[str, np.ndarray]]:
        """See `World.gather`."""
        if self.is_first:
            return [arrays, *(self._receive(rank) for rank in range(1, self.size))]
        file = io.BytesIO()
        np.savez(file, **arrays)
        data = torch.frombuffer(bytearray(file.getbuffer()), dtype=torch.uint8)
        with _heard():
            distributed.send(torch.tensor(len(data)), 0, self.control)
            distributed.send(data, 0, self.control)
        return []

    def _receive(self, rank: int) -> dict[str, np.ndarray]:
        size = torch.tensor(0)
        with _heard():
            distributed.recv(size, rank, self.control)
            data = torch.empty(int(size), dtype=torch.uint8)
            distributed.recv(data, rank, self.control)
        with np.load(io.BytesIO(data.numpy().tobytes()), allow_pickle=False) as arrays:
            return dict(arrays)

    def tells(self) -> bool:
        """See `World.tells`."""
        return tells_of(self.store, self)

    def end(self, failed: bool = False) -> None:
        """See `World.end`."""
        if failed and distributed.get_backend() != "gloo":  # NCCL may wait for the others
            return
        distributed.destroy_process_group()
        world.cache_clear()


@cache
def world() -> World:
    """The processes that torchrun started, told of each other at the first call. Raises UserError where that fails."""
    alone = started("torchrun", "PyTorch")
    if alone.size == 1:
        return alone
    meet_all(alone)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
    with _heard():
        store, *_ = next(iter(distributed.rendezvous("env://")))
        groups = distributed.PrefixStore("groups", store)
        distributed.init_process_group(backend, store=groups, rank=alone.rank, world_size=alone.size)
        control = distributed.new_group(backend="gloo", timeout=PATIENCE)
    errors = distributed.PrefixStore("errors", store)
    return Processes(**vars(alone), control=control, store=errors)


def own_gpu(name: str) -> str:
    """The GPU of that name, or of several processes of a machine each its own. UserError where there are too few."""
    if not by_torchrun():
        return name
    number, count = int_or_none("LOCAL_RANK"), torch.cuda.device_count()
    if number >= count:
        raise UserError(
            f"LOCAL_RANK is {number} and the machine has GPUs for {count} processes; "
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


class _Gathered(torch.autograd.Function):
    """Those of all processes behind one another, by rank; the gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        parts = [torch.empty_like(tensor) for _ in range(world().size)]
        with _heard():
            distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return total(gradient).chunk(world().size)[world().rank]


def gathered(tensor: Tensor) -> tuple[Tensor, int]:
    """What all processes have, behind one another, and this one's first place there: (B, ...) -> (n * B, ...), int.

    Gradients go through, as sums over the processes.
    """
    if world().size == 1:
        return tensor, 0
    return _Gathered.apply(tensor), world().rank * len(tensor)


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
