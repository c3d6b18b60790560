"""Training by two processes against one: tox -e distributed-keras and distributed-keras-torch run it."""

import os
from pathlib import Path

import keras
import pytest

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("takes minutes: tox -e distributed-keras runs it", allow_module_level=True)
if keras.backend.backend() == "jax":
    pytest.skip("on JAX a process trains alone", allow_module_level=True)

from trizoo.tests.two_processes import *  # noqa: F403


@pytest.fixture(scope="session")
def script():
    """See `measured`."""
    return Path(__file__).with_name("one_of_two.py")


@pytest.fixture(scope="session")
def train_script():
    """train.py of the framework."""
    return Path(__file__).parents[2] / "train.py"
