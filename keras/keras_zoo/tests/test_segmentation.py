"""The segmentation networks, as in every framework."""

import keras
import pytest

from trizoo.tests.contract.segmentation import *  # noqa: F403


@pytest.fixture
def head_shapes():
    """A network and (width, height) -> the shapes of its heads for one image, computed without numbers."""

    def of(model, size):
        images = keras.KerasTensor((1, size[1], size[0], 3), "uint8")
        return [tuple(head.shape) for head in model.compute_output_spec(images)]

    return of
