"""Building blocks, as in every framework, and what concerns PyTorch's alone."""

import copy

import pytest
import torch
from torch import nn
from torch.ao.quantization import fuse_modules

from torch_zoo import blocks as module
from torch_zoo.blocks import ConvBlock, SeparableConv, concat, global_average_pool, max_pool, resize, size_of, upsample
from torch_zoo.learner import Learner
from trizoo.tests.contract.blocks import *  # noqa: F403


class EveryBlock(nn.Module):
    """See `trizoo.tests.contract.blocks.EVERY_BLOCK`."""

    def __init__(self, spec=None):
        super().__init__()
        self.stem = ConvBlock(3, 8, 3, 2, "relu", norm="group")
        self.separable = SeparableConv(8, 12, 3, dilation=2)
        self.plain = ConvBlock(12, 6, 3, activation="relu6", dilation=3, norm=None)
        self.strided = ConvBlock(6, 6, 3, 2, "linear", groups=6)

    def forward(self, images):
        x = self.stem(images.permute(0, 3, 1, 2).float() / 255)
        y = self.separable(max_pool(x, 3, 2, padding=1))
        z = self.strided(self.plain(y))
        head = concat(resize(y, size_of(x)), upsample(z, size_of(x)), x * global_average_pool(x))
        return [head.permute(0, 2, 3, 1)]


@pytest.fixture(scope="module")
def blocks():
    """The package's module."""
    return module


@pytest.fixture(scope="module")
def run():
    """A block or function, (B, H, W, C) and arguments -> what it makes of it."""

    def of(block, x, *arguments, **options):
        if isinstance(block, nn.Module):
            block.eval()
        x = torch.from_numpy(x).permute(0, 3, 1, 2)
        return block(x, *arguments, **options).detach().permute(0, 2, 3, 1).numpy()

    return of


@pytest.fixture(scope="module")
def forward():
    """A network and uint8 (B, H, W, 3) -> its head, by stored statistics."""

    def of(model, images):
        return model.eval()(torch.from_numpy(images))[0].detach().numpy()

    return of


@pytest.fixture(scope="module")
def every_block():
    """A gain and a recipe -> the learner of a network of all blocks."""

    def of(gain, recipe):
        def loss(heads, targets, size):
            square = gain * heads[0].square().mean()
            return {"loss": square, "square": square}

        return Learner(EveryBlock(), loss, recipe, torch.device("cpu"))

    return of


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("leaky", module.leaky_relu),
        ("mish", module.mish),
        ("relu", module.relu),
        ("relu6", module.relu6),
        ("linear", module.linear),
    ],
)
def test_an_activation_is_a_module_that_computes_its_function(name, function):
    activate = ConvBlock(3, 8, 3, activation=name).activate
    x = torch.linspace(-9, 9, 37)
    assert isinstance(activate, nn.Module)
    assert list(activate.parameters()) == []
    assert torch.equal(activate(x.clone()), function(x.clone()))


def test_pytorchs_fusion_finds_convolution_normalisation_and_activation():
    block = ConvBlock(3, 8, 3, activation="relu").eval()
    x = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    fused = fuse_modules(copy.deepcopy(block), ["conv", "bn", "activate"])
    assert isinstance(fused.bn, nn.Identity)
    assert isinstance(fused.activate, nn.Identity)
    torch.testing.assert_close(fused(x), block(x))
