"""What each layer of a network puts out, and what a training step holds, found without computing anything."""

import weakref
from functools import partial

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torch_zoo.families import FAMILIES, make_network
from torch_zoo.precision import DTYPES
from trizoo.families import ModelSpec
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch


def trace(spec: ModelSpec, size: tuple[int, int]) -> tuple[list[tuple[str, tuple[int, ...]]], list[tuple[int, ...]]]:
    """See `trizoo.framework.Framework.trace`."""
    calls: list[tuple[str, tuple[int, ...]]] = []

    def note(name, layer, inputs, output):
        _, *shape = output.shape
        calls.append((name, (*shape[1:], shape[0])))  # (C, H, W) -> (H, W, C)

    with torch.device("meta"), torch.no_grad():
        network = make_network(spec).eval()
        for name, layer in network.named_modules():
            if layer._parameters:
                layer.register_forward_hook(partial(note, name))
        outputs = network(torch.zeros((1, size[1], size[0], 3), dtype=torch.uint8))
    return calls, [tuple(output.shape[1:]) for output in outputs]


def held_bytes(spec: ModelSpec, recipe: Recipe, batch: Batch) -> int:
    """See `trizoo.framework.Framework.held_bytes`: on PyTorch's meta device tensors have shapes alone."""
    _, height, width, _ = batch.images.shape
    with torch.device("meta"):
        network = make_network(spec).to(DTYPES[recipe.precision] or torch.float32).train()
    loss = FAMILIES[spec.family].loss(spec, recipe.loss)
    targets = {name: torch.as_tensor(array).to("meta") for name, array in batch.targets.items()}
    with _Alive() as alive:
        terms = loss(network(torch.as_tensor(batch.images).to("meta")), targets, (width, height))
        forward = alive.most
        terms["loss"].backward()
    gradients = sum(parameter.nbytes for parameter in network.parameters())
    return max(forward, alive.most - gradients)


class _Alive(TorchDispatchMode):
    """Within it the bytes of all tensors made and not yet freed are counted; `most` is their greatest number."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.storages: dict[int, weakref.ref] = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        """The operation as it is, its results noted."""
        results = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(results):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return results

    def _note(self, storage):
        number, room = id(storage), storage.nbytes()
        if number in self.storages:
            return

        def free(_):
            self.now -= room
            del self.storages[number]

        self.storages[number] = weakref.ref(storage, free)
        self.now += room
        self.most = max(self.most, self.now)
