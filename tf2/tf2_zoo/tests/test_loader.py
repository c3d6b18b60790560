"""The loader, as in every framework, and what concerns TensorFlow's alone."""

import tensorflow as tf

from trizoo.tests.contract.loader import *  # noqa: F403


def test_batches_are_tensors(batches):
    assert isinstance(batches[0].images, tf.Tensor)
    assert all(isinstance(array, tf.Tensor) for array in batches[0].targets.values())
