"""The segmentation networks, as in every framework."""

import pytest
import tensorflow as tf

from trizoo.tests.contract.segmentation import *  # noqa: F403


@pytest.fixture
def head_shapes():
    """A network and (width, height) -> the shapes of its heads for one image, as its graph has them."""

    def of(model, size):
        images = tf.TensorSpec((1, size[1], size[0], 3), tf.uint8)
        graph = tf.function(lambda images: model(images)).get_concrete_function(images)
        return [tuple(head.shape) for head in graph.outputs]

    return of
