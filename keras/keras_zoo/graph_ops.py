"""The operators that the families' graph.py are written in, done by `keras.ops`, on every backend.

Names and arguments are ONNX's, as far as `trizoo.families` uses them. A length, such as an image's side, is an int or
TensorFlow's tensor of one; a shape is a tuple of these, and so is each int64 (n,) array among the arguments.
"""

import operator

import numpy as np
from keras import ops

_DTYPES = {np.float32: "float32", np.int64: "int32"}  # JAX has no int64 by default


class Ops:
    """`ops("Add", a, b)` is the sum; see `trizoo.families.base.graph`."""

    def __call__(self, op, *inputs, outputs=1, **attributes):
        """What an operator gives.

        Args:
            op: of ONNX's operators
            inputs: tensors and lengths, or NumPy arrays and numbers, which become constants
            outputs: how many
            attributes: of the operator
        """
        return _OPERATORS[op](*map(_value, inputs), **attributes)


def gather_rows(values, places):
    """Rows of each image: (B, N, K), (B, M) -> (B, M, K)."""
    places = ops.broadcast_to(places[..., None], (*ops.shape(places), values.shape[-1]))
    return ops.take_along_axis(values, places, axis=1)


def _value(given):
    """A tensor, a number or a tuple of lengths."""
    if not isinstance(given, np.ndarray | np.generic):
        return given
    if given.ndim == 0:
        return given.item()
    if given.dtype == np.int64 and given.ndim == 1:
        return tuple(given.tolist())
    return ops.convert_to_tensor(given, _DTYPES[given.dtype.type])


def _of_two(function):
    """The same of tensors and numbers, and of lengths one by one."""

    def calculated(a, b):
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(function(*pair) for pair in zip(a, b, strict=True))
        a, b = (value[0] if isinstance(value, tuple) else value for value in (a, b))
        return function(a, b)

    return calculated


def _divide(a, b):
    is_float = ops.is_tensor(a) and "float" in ops.dtype(a)
    return a / b if is_float else a // b


def _least(a, b):
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else ops.minimum(a, b)


def _slice(x, first, last, axis):
    places = [slice(None)] * len(x.shape)
    places[axis[0]] = slice(first[0], last[0])
    return x[tuple(places)]


def _reshape(x, shape):
    known = ops.shape(x)
    return ops.reshape(x, [known[place] if side == 0 else side for place, side in enumerate(shape)])


def _cast(x, to):
    return ops.cast(x[0] if isinstance(x, tuple) else x, _DTYPES[to])


_OPERATORS = {
    "Add": _of_two(operator.add),
    "And": ops.logical_and,
    "Cast": _cast,
    "Concat": lambda *parts, axis: ops.concatenate(parts, axis),
    "Div": _of_two(_divide),
    "Equal": ops.equal,
    "Exp": ops.exp,
    "Expand": ops.broadcast_to,
    "Gather": lambda shape, places, axis: tuple(shape[place] for place in places),
    "GatherND": lambda values, places, batch_dims: gather_rows(values, places[..., 0]),
    "GreaterOrEqual": ops.greater_equal,
    "Less": ops.less,
    "MatMul": ops.matmul,
    "Max": ops.maximum,
    "Min": _of_two(_least),
    "Mul": _of_two(operator.mul),
    "Range": ops.arange,
    "ReduceL1": lambda x, axes, keepdims: ops.sum(ops.abs(x), axis=axes, keepdims=bool(keepdims)),
    "Reshape": _reshape,
    "Shape": ops.shape,
    "Sigmoid": ops.sigmoid,
    "Slice": _slice,
    "Softmax": ops.softmax,
    "Squeeze": lambda length, axes: length[0],
    "Sub": _of_two(operator.sub),
    "TopK": lambda x, count, axis: ops.top_k(x, count[0]),
    "Transpose": lambda x, perm: ops.transpose(x, perm),
    "Unsqueeze": lambda x, axes: ops.expand_dims(x, axes[0]),
    "Where": ops.where,
}
