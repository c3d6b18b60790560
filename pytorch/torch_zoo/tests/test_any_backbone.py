"""Any backbone under any head, as in every framework."""

import pytest

from torch_zoo.backbones import make_backbone as make
from trizoo.tests.contract.any_backbone import *  # noqa: F403


@pytest.fixture
def make_backbone():
    """The package's own."""
    return make
