"""Dropout, as in every framework."""

import pytest
import torch

from torch_zoo import dropout
from trizoo.tests.contract.dropout import *  # noqa: F403


@pytest.fixture(scope="module")
def kept_of():
    """What stays, of NumPy arrays."""
    return lambda images, channels, share: dropout.kept_of(torch.from_numpy(images), channels, share).numpy()


@pytest.fixture(scope="module")
def drop():
    """A layer's work on NumPy arrays."""

    def run(share, x, images, training):
        layer = dropout.Dropout(share).train(training)
        return layer(torch.from_numpy(x)[:, :, None, None], torch.from_numpy(images)).flatten(1).numpy()

    return run
