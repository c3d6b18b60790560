"""SSD's graphs, as in every framework."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo import weights
from torch_zoo.backbones.mobilenet_v2 import MobileNetV2
from torch_zoo.blocks import L2Norm, per_anchor
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.tests.contract.ssd import *  # noqa: F403
from trizoo.tests.contract.ssd import ssd_spec


@pytest.fixture
def rows():
    """(B, H, W, A * K) and K -> what `per_anchor` makes of it."""

    def of(heads, values):
        return per_anchor(torch.from_numpy(heads).permute(0, 3, 1, 2), values).numpy()

    return of


@pytest.fixture
def features():
    """An output stride and float32 (B, H, W, 3) -> {stride: (B, h, w, C)} of a MobileNetV2 of pseudo-weights."""

    @torch.inference_mode()
    def of(output_stride, images):
        backbone = MobileNetV2(output_stride=output_stride).eval()
        weights.assign(backbone, pseudo_arrays(weights.shapes(backbone)))
        found = backbone(torch.from_numpy(images).permute(0, 3, 1, 2))
        return {stride: each.permute(0, 2, 3, 1).numpy() for stride, each in found.items()}

    return of


def test_each_pixels_features_get_the_length_of_their_scale():
    norm = L2Norm(2)
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]]).view(2, 2, 1, 1)
    with torch.no_grad():
        norm.scale.copy_(torch.tensor([10.0, 20.0]))
    # 3 / 5 * 10, 4 / 5 * 20; no features stay none
    assert norm(x).flatten().tolist() == pytest.approx([6, 16, 0, 0])


def layers_of(model):
    """A function: kind, input, options -> that layer's output, with the next of the model's arrays as its weights."""
    arrays = (torch.from_numpy(array) for array in weights.arrays(model).values())

    def apply(kind, x, **options):
        if kind == "conv with bias":
            return F.conv2d(x, next(arrays), next(arrays), **options)
        if kind == "scale":
            return next(arrays).view(-1, 1, 1) * F.normalize(x)
        x = F.conv2d(x, next(arrays), **options)
        weight, bias, mean, variance = (next(arrays) for _ in range(4))
        return F.batch_norm(x, mean, variance, weight, bias)

    return apply


def test_ssd300_is_the_graph_of_torchvision_layer_by_layer(zoo):
    model = zoo.build(ssd_spec("ssd300-vgg16", 3), torch.device("cpu"))
    weights.assign(model, pseudo_arrays(weights.shapes(model)))
    layer = layers_of(model)

    def conv(x, **options):
        return layer("conv with bias", x, **options).relu()

    images = pseudo_images(1, (300, 300))
    x = (torch.from_numpy(images).permute(0, 3, 1, 2) - torch.tensor([123.0, 117.0, 104.0]).view(3, 1, 1)) / 60
    for stage, convs in enumerate((2, 2, 3, 3, 3)):
        if stage == 4:
            conv4_3 = x
        x = F.max_pool2d(x, 2, 2, ceil_mode=stage == 3) if stage else x
        for _ in range(convs):
            x = conv(x, padding=1)
    x = conv(conv(F.max_pool2d(x, 3, 1, padding=1), padding=6, dilation=6))
    levels = [layer("scale", conv4_3), x]
    for options in [{"padding": 1, "stride": 2}] * 2 + [{}] * 2:
        levels.append(conv(conv(levels[-1]), **options))
    outputs = [[], []]
    for level in levels:
        for output, values in zip(outputs, (4, 1 + 3), strict=True):
            x = layer("conv with bias", level, padding=1)
            x = x.view(1, -1, values, *x.shape[2:]).permute(0, 3, 4, 1, 2)  # (B, A * K, H, W) -> (B, H, W, A, K)
            output.append(x.reshape(1, -1, values))
    for head, output in zip(zoo.predictor(model, "fp32", torch.device("cpu"))(images), outputs, strict=True):
        wanted = torch.cat(output, dim=1).numpy()
        np.testing.assert_allclose(head, wanted, atol=1e-5 * np.abs(wanted).max())


@torch.inference_mode()
def test_mobilenet_is_the_graph_of_torchvision_layer_by_layer():
    backbone = MobileNetV2(last=True).eval()
    weights.assign(backbone, pseudo_arrays(weights.shapes(backbone)))
    layer = layers_of(backbone)
    x = images = torch.from_numpy(np.random.RandomState(0).standard_normal((1, 3, 75, 64)).astype(np.float32))
    x = F.relu6(layer("conv", x, stride=2, padding=1))
    features = [x]
    for expansion, channels, count, first_stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]:  # fmt: skip
        for number in range(count):
            stride = 1 if number else first_stride
            hidden = x if expansion == 1 else F.relu6(layer("conv", x))
            out = F.relu6(layer("conv", hidden, stride=stride, padding=1, groups=hidden.shape[1]))
            out = layer("conv", out)
            x = x + out if number else out  # only the first of them changes its channels
            assert x.shape[1] == channels
            features.append(x)
            if len(features) == 15:  # block 13, since the stem counts too
                expanded = hidden
    expected = {4: features[3], 8: features[6], 16: expanded, 32: F.relu6(layer("conv", x))}
    found = backbone(images)
    assert found.keys() == expected.keys()
    for stride, wanted in expected.items():
        torch.testing.assert_close(found[stride], wanted, atol=1e-5 * float(wanted.abs().max()), rtol=0)
