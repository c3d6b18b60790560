"""A model's parameters as NumPy arrays by canonical name, both ways."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

_NOT_PARAMETERS = "num_batches_tracked"  # PyTorch's own counter, which no other framework has


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape of every parameter and statistic, in the model's order."""
    return {name: tuple(tensor.shape) for name, tensor in _tensors(model).items()}


def arrays(model: nn.Module) -> dict[str, np.ndarray]:
    """Canonical name -> float32 array (a copy) of every parameter and statistic, in the model's order."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in _tensors(model).items()}


def assign(model: nn.Module, values: Mapping[str, np.ndarray]) -> None:
    """Fills the model from arrays. Raises ValueError unless names and shapes are exactly the model's."""
    tensors = _tensors(model)
    wrong = sorted(tensors.keys() ^ values.keys())
    wrong += [name for name in tensors if name not in wrong and tuple(tensors[name].shape) != values[name].shape]
    if wrong:
        raise ValueError(f"arrays don't fit the model in {len(wrong)} names or shapes, for example {wrong[0]}")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(values[name])))


class Average:
    """A moving average of a model's parameters and statistics, on the model's device; empty until it is first moved."""

    def __init__(self, model: nn.Module) -> None:
        self.tensors = _tensors(model)
        self.kept: dict[str, Tensor] = {}

    def move(self, decay: float) -> None:
        """See `trizoo.framework.Average.move`."""
        with torch.no_grad():
            if not self.kept:
                self.kept = {name: tensor.clone() for name, tensor in self.tensors.items()}
            torch._foreach_lerp_(list(self.kept.values()), list(self.tensors.values()), 1 - decay)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `trizoo.framework.Average.arrays`."""
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.kept.items()}

    def assign(self, arrays: Mapping[str, np.ndarray]) -> None:
        """The inverse of `arrays`."""
        tensors = self.tensors if arrays else {}  # in the model's order, whatever that of the arrays
        self.kept = {name: torch.empty_like(t).copy_(torch.from_numpy(arrays[name])) for name, t in tensors.items()}


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if not name.endswith(_NOT_PARAMETERS)}
