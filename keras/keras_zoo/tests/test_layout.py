"""The layout within networks: there and back, padding, one value per channel."""

import keras
import numpy as np
from keras import ops

from keras_zoo import layout

IMAGES = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)


def test_from_images_and_to_images_are_inverse():
    there = layout.from_images(ops.convert_to_tensor(IMAGES))
    assert there.shape[layout.CHANNELS] == 4
    assert (there.shape[layout.HEIGHT], there.shape[layout.WIDTH]) == (2, 3)
    assert np.array_equal(ops.convert_to_numpy(layout.to_images(there)), IMAGES)


def test_padding_goes_around_height_and_width():
    padded = layout.to_images(layout.pad(layout.from_images(ops.convert_to_tensor(IMAGES)), 1, 2, value=7.0))
    assert np.array_equal(
        ops.convert_to_numpy(padded), np.pad(IMAGES, ((0, 0), (1, 2), (1, 2), (0, 0)), constant_values=7)
    )


def test_each_channel_meets_its_own_value():
    vector = np.array([10, 20, 30, 40], np.float32)
    sums = layout.from_images(ops.convert_to_tensor(IMAGES)) + layout.per_channel(ops.convert_to_tensor(vector))
    assert np.array_equal(ops.convert_to_numpy(layout.to_images(sums)), IMAGES + vector)


def test_a_layer_built_for_a_shape_takes_tensors_of_that_layout():
    layer = keras.layers.Conv2D(2, 1, data_format=layout.DATA_FORMAT)
    layer.build(layout.shape(4))
    assert tuple(layer.kernel.shape) == (1, 1, 4, 2)
    assert layout.to_images(layer(layout.from_images(ops.convert_to_tensor(IMAGES)))).shape == (1, 2, 3, 2)
