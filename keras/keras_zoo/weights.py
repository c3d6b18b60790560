"""A model's parameters as NumPy arrays by canonical name, both ways."""

from common.weights.layout import canonical_shape, from_canonical, to_canonical
from keras_zoo.layers import get_array, named_variables


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
