"""The operators that the families' graph.py are written in, done by PyTorch, which can trace them.

Names and arguments are ONNX's, as far as `trizoo.families` uses them. A length, such as an image's side, is an int or a
SymInt; a shape is a tuple of these, and so is each int64 (n,) array among the arguments.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

_DTYPES = {np.float32: torch.float32, np.int64: torch.int64}


class Ops:
    """`ops("Add", a, b)` is the sum; see `trizoo.families.base.graph`."""

    def __call__(self, op: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """What an operator gives.

        Args:
            op: of ONNX's operators
            inputs: tensors and lengths, or NumPy arrays and numbers, which become constants
            outputs: how many
            attributes: of the operator
        """
        return _OPERATORS[op](*map(_value, inputs), **attributes)


def _value(given: Any) -> Any:
    """A tensor, a number or a tuple of lengths."""
    if not isinstance(given, np.ndarray | np.generic):
        return given
    if given.ndim == 0:
        return given.item()
    if given.dtype == np.int64 and given.ndim == 1:
        return tuple(given.tolist())
    return torch.tensor(given)


def _of_two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same of tensors and numbers, and of lengths one by one."""

    def calculated(a: Any, b: Any) -> Any:
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(function(*pair) for pair in zip(a, b, strict=True))
        a, b = (value[0] if isinstance(value, tuple) else value for value in (a, b))
        return function(a, b)

    return calculated


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="floor")
    return a // b


def _least(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return torch.minimum(a, b) if isinstance(b, Tensor) else a.clamp(max=b)
    return torch.sym_min(a, b)


def _greatest(a: Tensor, b: Any) -> Tensor:
    return torch.maximum(a, b) if isinstance(b, Tensor) else a.clamp(min=b)


def _slice(x: Tensor, first: tuple[Any], last: tuple[Any], axis: tuple[int]) -> Tensor:
    places = [slice(None)] * x.ndim
    places[axis[0]] = slice(first[0], last[0])
    return x[tuple(places)]


def _reshape(x: Tensor, shape: tuple[Any, ...]) -> Tensor:
    return x.reshape([x.shape[place] if side == 0 else side for place, side in enumerate(shape)])


def _cast(x: Any, to: type) -> Any:
    return x.to(_DTYPES[to]) if isinstance(x, Tensor) else x[0]


def _where(condition: Tensor, a: Any, b: Any) -> Tensor:
    return torch.where(condition, a, b)


def _best(x: Tensor, count: tuple[Any], axis: int) -> tuple[Tensor, Tensor]:
    """The highest and where they are; of equal ones the earlier first, which `torch.topk` doesn't promise."""
    values, places = x.sort(dim=axis, descending=True, stable=True)
    return values.narrow(axis, 0, count[0]), places.narrow(axis, 0, count[0])


def _gather_rows(values: Tensor, places: Tensor, batch_dims: int) -> Tensor:
    """(B, N, 4), (B, K, 1) -> (B, K, 4)."""
    return values.gather(batch_dims, places.expand(-1, -1, values.shape[-1]))


_OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": _of_two(operator.add),
    "And": operator.and_,
    "Cast": _cast,
    "Concat": lambda *parts, axis: torch.cat(parts, dim=axis),
    "Div": _of_two(_divide),
    "Equal": operator.eq,
    "Exp": torch.exp,
    "Expand": lambda x, shape: x.expand(shape),
    "Gather": lambda shape, places, axis: tuple(shape[place] for place in places),
    "GatherND": _gather_rows,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "MatMul": torch.matmul,
    "Max": _greatest,
    "Min": _of_two(_least),
    "Mul": _of_two(operator.mul),
    "Range": lambda first, last, step: torch.arange(first, last, step),
    "ReduceL1": lambda x, axes, keepdims: x.abs().sum(dim=axes, keepdim=bool(keepdims)),
    "Reshape": _reshape,
    "Shape": lambda x: tuple(x.shape),
    "Sigmoid": torch.sigmoid,
    "Slice": _slice,
    "Softmax": lambda x, axis: torch.softmax(x, dim=axis),
    "Squeeze": lambda length, axes: length[0],
    "Sub": _of_two(operator.sub),
    "TopK": lambda x, count, axis, **others: _best(x, count, axis),
    "Transpose": lambda x, perm: x.permute(perm),
    "Unsqueeze": lambda x, axes: x.unsqueeze(axes[0]),
    "Where": _where,
}
