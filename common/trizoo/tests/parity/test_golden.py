"""Distances between measurements, and what the committed goldens hold."""

import numpy as np
import pytest

from trizoo.parity.golden import (
    GOLDENS,
    TOLERANCES,
    array_difference,
    difference,
    differences,
    load_golden,
    load_golden_heads,
    measure,
    sizes,
    summarize_arrays,
)
from trizoo.weights.names import load_names


def outputs(images):
    """Two outputs that say something of the images."""
    values = images.astype(np.float32).mean(axis=(1, 2))
    return [np.repeat(values, 40, axis=1), -values]


def shifted(change):
    """A measurement whose first output has one value moved by a share of the output's greatest."""

    def predict(images):
        first, second = outputs(images)
        first[0, 0] += change * np.abs(first).max()
        return [first, second]

    return measure(predict)


def test_the_same_heads_are_no_distance_apart():
    assert difference(measure(outputs), measure(outputs)) == 0


def test_a_distance_is_a_share_of_the_heads_greatest_value():
    assert difference(measure(outputs), shifted(0.01)) == pytest.approx(0.01, rel=0.02)


def test_heads_of_another_shape_or_number_are_infinitely_far():
    assert difference(measure(outputs), measure(lambda images: outputs(images)[:1])) == np.inf
    assert difference(measure(outputs), measure(lambda images: [output[:1] for output in outputs(images)])) == np.inf


def test_arrays_are_compared_each_by_its_own_greatest_value():
    golden = {"large": np.full((3, 4), 1000.0, np.float32), "small": np.full(5, 0.001, np.float32)}
    moved = golden | {"small": golden["small"] * np.float32(1.01)}
    assert array_difference(summarize_arrays(golden), summarize_arrays(moved)) == pytest.approx(0.01, rel=1e-3)
    assert array_difference(summarize_arrays(golden), summarize_arrays({"small": golden["small"]})) == np.inf


def test_what_is_not_finite_is_infinitely_far():
    golden = load_golden("yolov3-tiny")
    broken = golden | {"curve": golden["curve"] * np.nan, "loss/box": np.float64("nan")}
    found = differences(golden, broken)
    assert (found["curve"], found["loss"]) == (np.inf, np.inf)
    assert found["gradients"] == 0


@pytest.mark.parametrize("model", GOLDENS)
def test_the_golden_of_a_model_holds_every_check_and_every_name(model):
    golden = load_golden(model)
    assert differences(golden, golden) == dict.fromkeys(TOLERANCES, 0.0)
    names = load_names(model)
    assert len(golden["step"]) == len(names)
    assert len(golden["gradients"]) == sum(".running_" not in name for name in names)
    prefixes = {key.split("/")[0] for key in load_golden_heads(model)}
    assert prefixes == {f"{width}x{height}" for width, height in sizes(model)}
    assert golden["curve"][-1] < golden["curve"][0]


@pytest.mark.parametrize("model", GOLDENS)
def test_a_frozen_step_leaves_the_backbone_and_a_step_does_not(model):
    golden, names = load_golden(model), sorted(load_names(model))
    kernels = [number for number, name in enumerate(names) if name.startswith("backbone.") and "conv.weight" in name]
    held, moved = golden["frozen_step"][kernels], golden["step"][kernels]
    assert not np.array_equal(held, moved)
