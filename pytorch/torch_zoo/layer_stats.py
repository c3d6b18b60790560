"""Mean and variance of what each layer puts out in a step, and how much of it isn't finite."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn


def layer_stats(model: nn.Module) -> Callable[[Tensor], list[tuple[str, int, tuple]]]:
    """A function uint8 (B, H, W, 3) -> see `trizoo.framework.Learner.layer_stats`."""

    def look(images):
        found = []

        def note(name, layer, inputs, output):
            found.append((name, output.numel(), _statistics(output)))

        kept = [buffer.clone() for buffer in model.buffers()]
        layers = [(name, layer) for name, layer in model.named_modules() if layer._parameters]
        hooks = [layer.register_forward_hook(partial(note, name)) for name, layer in layers]
        try:
            with torch.no_grad():
                model(images)
        finally:
            for hook in hooks:
                hook.remove()
            for buffer, before in zip(model.buffers(), kept, strict=True):
                buffer.copy_(before)
        return found

    return look


def _statistics(output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance of the finite values, 0 where there are none, and how many aren't: scalars."""
    x = output.float()
    finite = x.isfinite()
    count = finite.sum().clamp(min=1)
    mean = x.where(finite, 0).sum() / count
    return mean, ((x - mean) ** 2).where(finite, 0).sum() / count, (~finite).sum()
