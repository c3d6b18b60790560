"""Dropout, as in every framework."""

import pytest
import tensorflow as tf

from tf2_zoo import dropout
from trizoo.tests.contract.dropout import *  # noqa: F403


@pytest.fixture(scope="module")
def kept_of():
    """What stays, of NumPy arrays."""
    return lambda images, channels, share: dropout.kept_of(tf.constant(images), channels, share).numpy()


@pytest.fixture(scope="module")
def drop():
    """A layer's work on NumPy arrays."""

    def run(share, x, images, training):
        layer = dropout.Dropout(share)
        return layer(tf.constant(x)[:, None, None], tf.constant(images), training=training)[:, 0, 0].numpy()

    return run
