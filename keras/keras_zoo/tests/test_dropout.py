"""Dropout, as in every framework."""

import pytest
from keras import ops

from keras_zoo import dropout, layout
from trizoo.tests.contract.dropout import *  # noqa: F403


@pytest.fixture(scope="module")
def kept_of():
    """What stays, of NumPy arrays."""
    return lambda images, channels, share: ops.convert_to_numpy(
        dropout.kept_of(ops.convert_to_tensor(images), channels, share)
    )


@pytest.fixture(scope="module")
def drop():
    """A layer's work on NumPy arrays."""

    def run(share, x, images, training):
        given = layout.from_images(ops.convert_to_tensor(x)[:, None, None])
        found = dropout.Dropout(share)(given, ops.convert_to_tensor(images), training=training)
        return ops.convert_to_numpy(layout.to_images(found))[:, 0, 0]

    return run
