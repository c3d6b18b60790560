"""RetinaNet's graphs, as in every framework."""

import copy

import pytest
import torch

from trizoo.tests.contract.retinanet import *  # noqa: F403


@pytest.fixture
def head_shapes():
    """A network and (width, height) -> the shapes of its heads for one image, computed without numbers."""

    def of(model, size):
        images = torch.empty((1, size[1], size[0], 3), dtype=torch.uint8, device="meta")
        return [tuple(head.shape) for head in copy.deepcopy(model).to("meta")(images)]

    return of
