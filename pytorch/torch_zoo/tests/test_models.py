"""The graphs, as in every framework, and that the goldens notice a changed one."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo import blocks, necks
from torch_zoo.backbones import csp_darknet53
from torch_zoo.models import yolov3, yolov3_tiny, yolov4, yolov4_tiny
from trizoo.parity.golden import TOLERANCE, difference, load_golden_heads, measure, sizes
from trizoo.parity.probe import pseudo_model
from trizoo.tests.contract.models import *  # noqa: F403
from trizoo.tests.contract.models import ONE_OF_EACH


@torch.inference_mode()
def golden_difference(name, model):
    model.eval()
    measured = measure(lambda images: [head.numpy() for head in model(torch.from_numpy(images))], sizes(name))
    return difference(load_golden_heads(name), measured)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_heads_without_folded_batch_norms_equal_the_golden(zoo, name):
    assert golden_difference(name, pseudo_model(zoo, name, zoo.device("cpu"))) < TOLERANCE


def other_eps(model, monkeypatch):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3


def other_slope(model, monkeypatch):
    for module in model.modules():
        if isinstance(module, torch.nn.LeakyReLU):
            module.negative_slope = 0.01


def other_concat_order(model, monkeypatch):
    for module in (yolov3, yolov3_tiny, yolov4, yolov4_tiny, csp_darknet53, necks):
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


def other_smooth_activation(model, monkeypatch):
    for module in model.modules():
        if isinstance(module, blocks.ConvBlock) and isinstance(module.activate, torch.nn.Mish):
            module.activate = torch.nn.SiLU()


def first_half_instead_of_second(model, monkeypatch):
    monkeypatch.setattr(yolov4_tiny, "split_half", lambda x: x[:, : x.shape[1] // 2])


def narrower_pools(model, monkeypatch):
    monkeypatch.setattr(necks, "max_pool", lambda x, kernel_size, stride: blocks.max_pool(x, 3, stride))


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
        ("yolov3-spp", narrower_pools),
        ("yolov4", other_concat_order),
        ("yolov4", other_smooth_activation),
        ("yolov4-tiny", other_concat_order),
        ("yolov4-tiny", first_half_instead_of_second),
    ],
)
def test_a_mutated_graph_breaks_the_golden(zoo, name, mutate, monkeypatch):
    model = pseudo_model(zoo, name, zoo.device("cpu"))
    mutate(model, monkeypatch)
    assert golden_difference(name, model) > 10 * TOLERANCE


def test_images_are_normalised_by_mean_and_std():
    normalize = blocks.Normalize((10.0, 20.0, 30.0), (2.0, 4.0, 5.0))
    pixel = torch.tensor([[[[12, 28, 20]]]], dtype=torch.uint8)
    # (12 - 10) / 2, (28 - 20) / 4, (20 - 30) / 5
    assert normalize(pixel).flatten().tolist() == pytest.approx([1.0, 2.0, -2.0])


def test_the_network_runs_in_channels_last_without_a_copy_of_the_image():
    images = torch.zeros((2, 8, 8, 3), dtype=torch.uint8)
    assert blocks.Normalize((0.0,) * 3, (255.0,) * 3)(images).is_contiguous(memory_format=torch.channels_last)
