from functools import lru_cache

import pytest
import tensorflow as tf

from tf2_zoo.shortlist import take_rows
from trizoo.tests.contract.shortlist import *  # noqa: F403


@lru_cache
def compiled(spec, ranking):
    return tf.function(lambda tensors: take_rows(spec, ranking, tensors))


@pytest.fixture
def take():
    """See the contract."""

    def taken(spec, ranking, outputs):
        return [part.numpy() for part in compiled(spec, ranking)([tf.constant(output) for output in outputs])]

    return taken
