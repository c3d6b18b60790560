"""A model's parameters as NumPy arrays by canonical name, both ways."""

import numpy as np
import torch

_NOT_PARAMETERS = "num_batches_tracked"  # PyTorch's own counter, which no other framework has


def shapes(model):
    """Canonical name -> shape of every parameter and statistic, in the model's order."""
    return {name: tuple(tensor.shape) for name, tensor in _tensors(model).items()}


def arrays(model):
    """Canonical name -> float32 array (a copy) of every parameter and statistic, in the model's order."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in _tensors(model).items()}


def assign(model, values):
    """Fills the model from arrays. Raises ValueError unless names and shapes are exactly the model's."""
    tensors = _tensors(model)
    wrong = sorted(tensors.keys() ^ values.keys())
    wrong += [name for name in tensors if name not in wrong and tuple(tensors[name].shape) != values[name].shape]
    if wrong:
        raise ValueError(f"arrays don't fit the model in {len(wrong)} names or shapes, for example {wrong[0]}")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(values[name])))


def _tensors(model):
    return {name: tensor for name, tensor in model.state_dict().items() if not name.endswith(_NOT_PARAMETERS)}
