"""Arrays by canonical name, both ways."""

import numpy as np
import pytest

from common.architectures import model_spec
from torch_zoo import weights
from torch_zoo.models import MODELS


@pytest.fixture(scope="module")
def model():
    return MODELS["yolov3-tiny"](model_spec("yolov3-tiny", 2))


def test_assigned_arrays_come_back(model):
    rng = np.random.default_rng(0)
    values = {name: rng.random(shape, dtype=np.float32) for name, shape in weights.shapes(model).items()}
    weights.assign(model, values)
    back = weights.arrays(model)
    assert list(back) == list(values)
    assert all(np.array_equal(back[name], values[name]) for name in values)


def test_arrays_are_copies(model):
    arrays = weights.arrays(model)
    arrays["head_p4.predict.bias"][:] = 7
    assert not (weights.arrays(model)["head_p4.predict.bias"] == 7).any()


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_a_set_of_arrays_that_does_not_fit_exactly_is_refused(model, change):
    values = weights.arrays(model)
    name = "head_p4.predict.bias"
    if change == "missing":
        del values[name]
    elif change == "unexpected":
        name = "head_p9.predict.bias"
        values[name] = np.zeros(3, np.float32)
    else:
        values[name] = values[name][:-1]
    with pytest.raises(ValueError, match=name):
        weights.assign(model, values)
