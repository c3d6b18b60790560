"""What each layer of a network puts out, found without computing anything."""

from functools import partial

import torch

from torch_zoo.families import make_network
from trizoo.families import ModelSpec


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
