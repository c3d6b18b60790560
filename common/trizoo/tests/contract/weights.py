"""Arrays by canonical name, both ways."""

import numpy as np
import pytest

from trizoo.families import model_spec


@pytest.fixture(scope="module")
def model(zoo):
    """A YOLOv3-tiny of two classes."""
    return zoo.build(model_spec("yolov3-tiny", 2), zoo.device("cpu"), seed=None)


def test_assigned_arrays_come_back(zoo, model):
    rng = np.random.default_rng(0)
    values = {name: rng.random(shape, dtype=np.float32) for name, shape in zoo.shapes(model).items()}
    zoo.assign(model, values)
    back = zoo.arrays(model)
    assert list(back) == list(values)
    for name, value in values.items():
        assert np.array_equal(back[name], value), name
        assert back[name].dtype == np.float32, name


def test_arrays_are_copies(zoo, model):
    arrays = zoo.arrays(model)
    arrays["head_p4.predict.bias"][:] = 7
    assert not (zoo.arrays(model)["head_p4.predict.bias"] == 7).any()


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_a_set_of_arrays_that_does_not_fit_exactly_is_refused(zoo, model, change):
    values = zoo.arrays(model)
    name = "head_p4.predict.bias"
    if change == "missing":
        del values[name]
    elif change == "unexpected":
        name = "head_p9.predict.bias"
        values[name] = np.zeros(3, np.float32)
    else:
        values[name] = values[name][:-1]
    with pytest.raises(ValueError, match=name):
        zoo.assign(model, values)
