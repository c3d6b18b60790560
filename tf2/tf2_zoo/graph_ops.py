"""What a family's graph.py is made of (`trizoo.families.base.graph`), in TensorFlow: ONNX's operators by their names.

Whole numbers are int32 throughout, which TFLite knows better. What is made of constants alone is a constant too, so
that a graph for images of one size holds its anchors.
"""

import numpy as np
import tensorflow as tf


class Ops:
    """`ops("Add", a, b)` gives the sum; see `trizoo.deploy.onnx_ops.Ops`."""

    def __call__(self, op, *inputs, outputs=1, **attributes):
        """A tensor, or an array where all inputs are arrays; as many as there are outputs.

        Args:
            op: of ONNX's operators
            inputs: tensors, NumPy arrays and numbers
            outputs: how many, which TensorFlow knows itself
            attributes: of the operator
        """
        inputs = [value if tf.is_tensor(value) else _constant(value) for value in inputs]
        if any(tf.is_tensor(value) for value in inputs):
            return _OPS[op](*inputs, **attributes)
        with tf.init_scope():
            return np.asarray(_OPS[op](*inputs, **attributes))


def _constant(value):
    """An array whose whole numbers are int32."""
    value = np.asarray(value)
    return value.astype(np.int32) if value.dtype == np.int64 else value


def _cast(x, to):
    return tf.cast(x, tf.int32 if to is np.int64 else to)


def _divide(x, y):
    """ONNX cuts a quotient of whole numbers; none of ours is negative."""
    x = tf.convert_to_tensor(x)
    return x // y if x.dtype.is_integer else x / y


def _flat(compare):
    """The comparison of (...) with a single value, along one axis, since TFLite's have at most four."""

    def run(x, y):
        if not len(y.shape) and len(x.shape) > 4:
            return tf.reshape(compare(tf.reshape(x, (-1,)), y), _shape(x))
        return compare(x, y)

    return run


def _gather_rows(x, places, batch_dims):
    return tf.gather(x, tf.squeeze(places, -1), batch_dims=batch_dims)


def _reduce(function):
    return lambda x, axes, keepdims: function(x, axis=axes, keepdims=bool(keepdims))


def _reshape(x, shape):
    """A 0 stands for the same length as before."""
    known = _shape(x)
    return tf.reshape(x, [known[axis] if length == 0 else int(length) for axis, length in enumerate(shape)])


def _shape(x):
    """int32 (rank,), an array where all of it is known."""
    known = tf.TensorShape(x.shape)
    return np.array(known, np.int32) if known.is_fully_defined() else tf.shape(x)


def _slice(x, first, last, axis):
    """Along one axis; ONNX's places are arrays of one."""
    places = [slice(None)] * len(x.shape)
    places[int(axis[0])] = slice(first[0], last[0])
    return x[tuple(places)]


def _top(x, count, axis):
    """Of the last axis, which is the one that is meant: values, places."""
    return tf.math.top_k(x, count[0])


_OPS = {
    "Add": tf.add,
    "And": tf.logical_and,
    "Cast": _cast,
    "Concat": lambda *parts, axis: tf.concat(parts, axis),
    "Div": _divide,
    "Equal": tf.equal,
    "Exp": tf.exp,
    "Expand": tf.broadcast_to,
    "Gather": tf.gather,
    "GatherND": _gather_rows,
    "GreaterOrEqual": _flat(tf.greater_equal),
    "Less": _flat(tf.less),
    "MatMul": tf.matmul,
    "Max": tf.maximum,
    "Min": tf.minimum,
    "Mul": tf.multiply,
    "Range": tf.range,
    "ReduceL1": lambda x, axes, keepdims: tf.reduce_sum(tf.abs(x), axes, bool(keepdims)),
    "Reshape": _reshape,
    "Shape": _shape,
    "Sigmoid": tf.sigmoid,
    "Slice": _slice,
    "Softmax": tf.nn.softmax,
    "Squeeze": lambda x, axes: tf.squeeze(x, [int(axis) for axis in axes]),
    "Sub": tf.subtract,
    "TopK": _top,
    "Transpose": tf.transpose,
    "Unsqueeze": lambda x, axes: tf.expand_dims(x, int(axes[0])),
    "Where": tf.where,
}
