"""Graphs: parameter counts, names, goldens, the layout of heads, an untrained model's predictions."""

import math
from functools import cache

import numpy as np
import pytest

from common.architectures import ARCHITECTURES, model_spec
from common.parity.golden import TOLERANCE, difference, golden_spec, load_golden_heads, load_names, measure, names_text
from common.parity.pseudo import pseudo_arrays, pseudo_images
from common.weights.initial import initial_arrays


@pytest.fixture(scope="module")
def pseudo(zoo):
    """A function: a model's name -> (a model of 80 classes with pseudo-weights, its predictor), made once."""

    @cache
    def make(name):
        device = zoo.device("cpu")
        model = zoo.build(golden_spec(name), device)
        zoo.assign(model, pseudo_arrays(zoo.shapes(model)))
        return model, zoo.predictor(model, "fp32", device)

    return make


def count(shapes):
    """(trainable parameters, all floats of a weight file)."""
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    return sum(size for name, size in sizes.items() if ".running_" not in name), sum(sizes.values())


def test_parameter_counts_are_those_of_the_published_files(zoo, pseudo):
    assert count(zoo.shapes(pseudo("yolov3")[0])) == (61_949_149, 62_001_757)
    assert count(zoo.shapes(pseudo("yolov3-tiny")[0]))[1] == 8_858_734
    assert count(zoo.shapes(zoo.build(model_spec("yolov3", 20), zoo.device("cpu"))))[0] == 61_626_049


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_names_and_shapes_are_those_of_the_names_file(zoo, pseudo, name):
    assert names_text(zoo.shapes(pseudo(name)[0])) == names_text(load_names(name))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_predictions_equal_the_golden_and_leave_the_model_alone(zoo, pseudo, name):
    model, predict = pseudo(name)
    assert difference(load_golden_heads(name), measure(predict)) < TOLERANCE
    expected = pseudo_arrays(zoo.shapes(model))
    arrays = zoo.arrays(model)
    assert all(np.array_equal(expected[key], arrays[key]) for key in expected)


@pytest.mark.parametrize(
    ("name", "cells"), [("yolov3", [(2, 5), (4, 10), (8, 20)]), ("yolov3-tiny", [(2, 5), (4, 10)])]
)
def test_heads_have_the_canonical_layout(pseudo, name, cells):
    heads = pseudo(name)[1](pseudo_images(2, (160, 64)))
    assert [head.shape for head in heads] == [(2, rows, columns, 3, 85) for rows, columns in cells]
    assert all(head.dtype == np.float32 for head in heads)


def test_an_untrained_head_predicts_the_prior(zoo):
    spec, device = model_spec("yolov3-tiny", 2), zoo.device("cpu")
    model = zoo.build(spec, device)
    zoo.assign(model, initial_arrays(zoo.shapes(model), 0, spec, objectness_prior=0.01))
    heads = zoo.predictor(model, "fp32", device)(pseudo_images(2, (64, 64)))
    objectness = np.concatenate([head[..., 4].ravel() for head in heads])
    assert 1 / (1 + np.exp(-objectness.mean())) == pytest.approx(0.01, abs=0.003)
