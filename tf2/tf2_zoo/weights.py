"""A model's parameters as NumPy arrays by canonical name, both ways."""

import tensorflow as tf

from tf2_zoo.layers import named_variables
from tf2_zoo.replicas import set_value, value_of
from trizoo.weights.layout import canonical_shape, from_canonical, to_canonical


def shapes(model):
    """Canonical name -> shape of every parameter and statistic, in the model's order."""
    return {name: canonical_shape(variable.shape.as_list()) for name, variable in named_variables(model).items()}


def arrays(model):
    """Canonical name -> float32 array (a copy) of every parameter and statistic, in the model's order."""
    return {name: to_canonical(value_of(variable).numpy()) for name, variable in named_variables(model).items()}


def assign(model, values):
    """Fills the model from arrays. Raises ValueError unless names and shapes are exactly the model's."""
    expected = shapes(model)
    wrong = sorted(expected.keys() ^ values.keys())
    wrong += [name for name in expected if name not in wrong and expected[name] != values[name].shape]
    if wrong:
        raise ValueError(f"arrays don't fit the model in {len(wrong)} names or shapes, for example {wrong[0]}")
    for name, variable in named_variables(model).items():
        set_value(variable, from_canonical(values[name]))


class Average:
    """A moving average of a model's parameters and statistics, on the model's device; empty until it is first moved."""

    def __init__(self, model):
        self.variables = named_variables(model)
        self.kept = {}

    def move(self, decay):
        """See `trizoo.framework.Average.move`."""
        if not self.kept:
            self._keep({name: value_of(variable) for name, variable in self.variables.items()})
        self._run(tf.constant(1 - decay, tf.float32))

    def arrays(self):
        """See `trizoo.framework.Average.arrays`."""
        return {name: to_canonical(variable.numpy()) for name, variable in self.kept.items()}

    def assign(self, arrays):
        """The inverse of `arrays`."""
        self._keep({name: from_canonical(array) for name, array in arrays.items()})

    def _keep(self, values):
        self.kept = {}
        for name, value in values.items():
            with tf.device(self.variables[name].device):
                self.kept[name] = tf.Variable(value, trainable=False)
        self._run = tf.function(self._move)

    def _move(self, share):
        for name, kept in self.kept.items():
            kept.assign_add(share * (value_of(self.variables[name]) - kept))
