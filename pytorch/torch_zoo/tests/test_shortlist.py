import pytest
import torch

from torch_zoo.shortlist import take_rows
from trizoo.tests.contract.shortlist import *  # noqa: F403


@pytest.fixture
def take():
    """See the contract."""

    def taken(spec, ranking, outputs):
        return [part.numpy() for part in take_rows(spec, ranking, [torch.tensor(output) for output in outputs])]

    return taken
