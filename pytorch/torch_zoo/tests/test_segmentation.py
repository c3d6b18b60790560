"""The segmentation networks, as in every framework."""

import copy

import pytest
import torch

from torch_zoo.blocks import average_pool
from trizoo.tests.contract.segmentation import *  # noqa: F403


@pytest.fixture
def head_shapes():
    """A network and (width, height) -> the shapes of its heads for one image, computed without numbers."""

    def of(model, size):
        images = torch.empty((1, size[1], size[0], 3), dtype=torch.uint8, device="meta")
        return [tuple(head.shape) for head in copy.deepcopy(model).eval().to("meta")(images)]

    return of


@pytest.mark.parametrize("size", [(1, 1), (4, 2), (6, 12), (13, 7), (65, 33)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_bins_are_those_of_adaptive_average_pooling(size, bins):
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(average_pool(x, bins), torch.nn.functional.adaptive_avg_pool2d(x, bins))
