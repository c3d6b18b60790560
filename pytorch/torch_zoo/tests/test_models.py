"""Graphs: names, counts, goldens, and that the goldens notice a changed graph."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from common.architectures import model_spec
from common.parity.golden import TOLERANCE, difference, load_golden, load_names, measure, names_text
from common.parity.pseudo import pseudo_images
from common.weights.initial import initial_arrays
from torch_zoo import blocks
from torch_zoo.framework import PyTorch
from torch_zoo.goldens import pseudo_model, raw_heads
from torch_zoo.models import MODELS, yolov3, yolov3_tiny
from torch_zoo.predictor import make_predictor

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "classes", "trainable", "floats"),
    [
        ("yolov3", 80, 61_949_149, 62_001_757),
        ("yolov3", 20, 61_626_049, None),
        ("yolov3-tiny", 80, None, 8_858_734),
    ],
)
def test_parameter_counts_are_those_of_the_published_files(name, classes, trainable, floats):
    model = MODELS[name](model_spec(name, classes))
    if trainable:
        assert sum(p.numel() for p in model.parameters()) == trainable
    if floats:
        assert sum(np.prod(shape) for shape in PyTorch.shapes(model).values()) == floats


@pytest.mark.parametrize("name", MODELS)
def test_names_and_shapes_are_those_of_the_names_file(name):
    shapes = PyTorch.shapes(pseudo_model(name))
    assert names_text(shapes) == names_text(load_names(name))


@pytest.mark.parametrize("name", MODELS)
def test_heads_equal_the_golden(name):
    model = pseudo_model(name)
    assert difference(load_golden(name), measure(lambda images: raw_heads(model, images))) < TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_the_predictor_with_folded_batch_norms_equals_the_golden_and_leaves_the_model_alone(name):
    model = pseudo_model(name)
    before = PyTorch.arrays(model)
    assert difference(load_golden(name), measure(make_predictor(model, "fp32", CPU))) < TOLERANCE
    after = PyTorch.arrays(model)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def other_eps(model, monkeypatch):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3


def other_slope(model, monkeypatch):
    monkeypatch.setattr(blocks, "LEAKY_SLOPE", 0.01)


def other_concat_order(model, monkeypatch):
    for module in (yolov3, yolov3_tiny):
        monkeypatch.setattr(module, "concat", lambda *tensors: torch.cat(tensors[::-1], dim=1))


def padding_right_and_below_only(model, monkeypatch):
    """What "same" means in TensorFlow at stride 2."""
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(lambda _, inputs: F.pad(inputs[0], (0, 1, 0, 1)))


def zero_padded_pool(model, monkeypatch):
    monkeypatch.setattr(
        yolov3_tiny,
        "max_pool",
        lambda x, k, stride: F.max_pool2d(F.pad(x, (0, k - stride, 0, k - stride), value=1.0), k, stride),
    )


@pytest.mark.parametrize(
    ("name", "mutate"),
    [
        ("yolov3", other_eps),
        ("yolov3", other_slope),
        ("yolov3", other_concat_order),
        ("yolov3", padding_right_and_below_only),
        ("yolov3-tiny", other_eps),
        ("yolov3-tiny", other_slope),
        ("yolov3-tiny", other_concat_order),
        ("yolov3-tiny", zero_padded_pool),
    ],
)
def test_a_mutated_graph_breaks_the_golden(name, mutate, monkeypatch):
    model = pseudo_model(name)
    mutate(model, monkeypatch)
    assert difference(load_golden(name), measure(lambda images: raw_heads(model, images))) > 10 * TOLERANCE


@pytest.mark.parametrize(("name", "cells"), [("yolov3", [(2, 3), (4, 6), (8, 12)]), ("yolov3-tiny", [(2, 3), (4, 6)])])
def test_heads_have_the_canonical_layout(name, cells):
    model = MODELS[name](model_spec(name, 4)).eval()
    heads = raw_heads(model, pseudo_images(1, (96, 64)))
    assert [head.shape for head in heads] == [(1, rows, columns, 3, 9) for rows, columns in cells]


def test_an_untrained_head_predicts_the_prior():
    spec = model_spec("yolov3-tiny", 2)
    model = MODELS["yolov3-tiny"](spec)
    PyTorch.assign(model, initial_arrays(PyTorch.shapes(model), 0, spec, objectness_prior=0.01))
    heads = raw_heads(model.train(), pseudo_images(2, (64, 64)))
    objectness = np.concatenate([head[..., 4].ravel() for head in heads])
    assert 1 / (1 + np.exp(-objectness.mean())) == pytest.approx(0.01, abs=0.003)


def test_images_are_normalised_by_mean_and_std():
    normalize = blocks.Normalize((10.0, 20.0, 30.0), (2.0, 4.0, 5.0))
    pixel = torch.tensor([[[[12, 28, 20]]]], dtype=torch.uint8)
    # (12 - 10) / 2, (28 - 20) / 4, (20 - 30) / 5
    assert normalize(pixel).flatten().tolist() == pytest.approx([1.0, 2.0, -2.0])


def test_the_network_runs_in_channels_last_without_a_copy_of_the_image():
    images = torch.zeros((2, 8, 8, 3), dtype=torch.uint8)
    assert blocks.Normalize((0.0,) * 3, (255.0,) * 3)(images).is_contiguous(memory_format=torch.channels_last)
