import pytest
from keras import ops

from keras_zoo.shortlist import take_rows
from trizoo.tests.contract.shortlist import *  # noqa: F403


@pytest.fixture
def take():
    """See the contract."""

    def taken(spec, ranking, outputs):
        tensors = [ops.convert_to_tensor(output) for output in outputs]
        return [ops.convert_to_numpy(part) for part in take_rows(spec, ranking, tensors)]

    return taken
