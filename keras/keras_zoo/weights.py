"""A model's parameters as NumPy arrays by canonical name, both ways."""

from keras import ops

from keras_zoo.layers import get_array, named_variables
from trizoo.weights.layout import canonical_shape, from_canonical, to_canonical


def shapes(model):
    """Canonical name -> shape of every parameter and statistic, in the model's order."""
    return {name: canonical_shape(variable.shape) for name, variable in named_variables(model).items()}


def arrays(model):
    """Canonical name -> float32 array (a copy) of every parameter and statistic, in the model's order."""
    return {name: to_canonical(get_array(v)) for name, v in named_variables(model).items()}


def assign(model, values):
    """Fills the model from arrays. Raises ValueError unless names and shapes are exactly the model's."""
    expected = shapes(model)
    wrong = sorted(expected.keys() ^ values.keys())
    wrong += [name for name in expected if name not in wrong and expected[name] != values[name].shape]
    if wrong:
        raise ValueError(f"arrays don't fit the model in {len(wrong)} names or shapes, for example {wrong[0]}")
    for name, variable in named_variables(model).items():
        variable.assign(from_canonical(values[name]))


class Average:
    """A moving average of a model's parameters and statistics, on the model's device; empty until it is first moved."""

    def __init__(self, model):
        self.variables = named_variables(model)
        self.kept = {}

    def move(self, decay):
        """See `trizoo.framework.Average.move`."""
        now = {name: ops.stop_gradient(ops.convert_to_tensor(v)) for name, v in self.variables.items()}
        if not self.kept:
            self.kept = {name: ops.copy(tensor) for name, tensor in now.items()}
        self.kept = {name: kept + (1 - decay) * (now[name] - kept) for name, kept in self.kept.items()}

    def arrays(self):
        """See `trizoo.framework.Average.arrays`."""
        return {name: to_canonical(ops.convert_to_numpy(tensor)) for name, tensor in self.kept.items()}

    def assign(self, arrays):
        """The inverse of `arrays`."""
        self.kept = {name: ops.convert_to_tensor(from_canonical(array)) for name, array in arrays.items()}
