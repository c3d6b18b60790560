"""torchvision's classifiers from their published names alone, with numbers drawn here: what they give, ours give.

Graphs: torchvision/models/{resnet,mobilenetv2}.py of github.com/pytorch/vision, written down once more as functions of
a dict of arrays, which share nothing with the zoo's networks.
"""

import zlib

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from trizoo.families import model_spec
from trizoo.parity.pseudo import pseudo_images
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import import_weights
from trizoo.weights.importers.shapes import check_shapes
from trizoo.weights.readers import Weights

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def drawn(shapes):
    """Arrays from their names: features neither vanish nor explode."""
    arrays = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        values = rng.uniform(-1, 1, shape)
        if len(shape) > 1:
            values = values * (3 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(("running_var", "weight")):
            values = 1 + values / 2
        arrays[name] = values.astype(np.float32)
    return arrays


def norm(arrays, name, x):
    statistics = [arrays[f"{name}.{leaf}"] for leaf in ("running_mean", "running_var", "weight", "bias")]
    return F.batch_norm(x, *statistics, eps=1e-5)


def conv(arrays, name, x, stride=1, groups=1):
    kernel = arrays[f"{name}.weight"]
    return F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)


def resnet(arrays, x):
    """ResNet: 3x3 convolutions twice a block, or a bottleneck that strides on its 3x3; sums are rectified."""
    x = F.relu(norm(arrays, "bn1", conv(arrays, "conv1", x, 2)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage in range(1, 5):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in arrays:
            at, shortcut = f"layer{stage}.{block}", x
            stride = 2 if stage > 1 and block == 0 else 1
            depth = 3 if f"{at}.conv3.weight" in arrays else 2
            for number in range(1, depth + 1):
                here = stride if number == depth - 1 else 1
                x = norm(arrays, f"{at}.bn{number}", conv(arrays, f"{at}.conv{number}", x, here))
                x = F.relu(x) if number < depth else x
            if f"{at}.downsample.0.weight" in arrays:
                down = conv(arrays, f"{at}.downsample.0", shortcut, stride)
                shortcut = norm(arrays, f"{at}.downsample.1", down)
            x, block = F.relu(x + shortcut), block + 1
    return F.linear(x.mean((2, 3)), arrays["fc.weight"], arrays["fc.bias"])


def mobilenet_v2(arrays, x):
    """MobileNetV2: a 1x1 that widens, a depthwise 3x3, a 1x1 that narrows; sums where the shape stays."""

    def part(name, x, stride=1, groups=1):
        return F.relu6(norm(arrays, f"{name}.1", conv(arrays, f"{name}.0", x, stride, groups)))

    x = part("features.0", x, 2)
    for place in range(1, 18):
        at, before = f"features.{place}.conv", x
        stride = 2 if place in (2, 4, 7, 14) else 1
        depthwise = 1 if f"{at}.3.weight" in arrays else 0
        x = part(f"{at}.0", x) if depthwise else x
        x = part(f"{at}.{depthwise}", x, stride, groups=x.shape[1])
        x = norm(arrays, f"{at}.{depthwise + 2}", conv(arrays, f"{at}.{depthwise + 1}", x))
        x = x + before if x.shape == before.shape else x
    x = part("features.18", x)
    return F.linear(x.mean((2, 3)), arrays["classifier.1.weight"], arrays["classifier.1.bias"])


@pytest.mark.parametrize(
    ("shapes", "theirs", "model"),
    [
        (published.resnet(18), resnet, "classify-resnet18"),
        (published.resnet(50), resnet, "classify-resnet50"),
        (published.mobilenet_v2(), mobilenet_v2, "classify-mobilenetv2"),
    ],
)
def test_our_classifiers_give_torchvisions_probabilities(zoo, shapes, theirs, model):
    arrays, images = drawn(shapes), pseudo_images(2, (96, 64))
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255
    pixels = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        expected = theirs({name: torch.from_numpy(array).double() for name, array in arrays.items()}, pixels).numpy()

    imported = import_weights(Weights("pytorch", arrays, {}), model)
    check_shapes(imported, model, "theirs")
    network = zoo.build(model_spec(model, 1000, **imported.settings), zoo.device("cpu"), seed=None)
    zoo.assign(network, imported.arrays)
    (logits,) = zoo.predictor(network, "fp32", zoo.device("cpu"))(images)
    assert np.ptp(expected) > 0.1
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()
