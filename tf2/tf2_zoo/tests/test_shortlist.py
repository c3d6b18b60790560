import pytest
import tensorflow as tf

from tf2_zoo.shortlist import take_rows
from trizoo.tests.contract.shortlist import *  # noqa: F403


@pytest.fixture
def take():
    """See the contract."""

    def taken(spec, ranking, outputs):
        run = tf.function(lambda tensors: take_rows(spec, ranking, tensors))
        return [part.numpy() for part in run([tf.constant(output) for output in outputs])]

    return taken
