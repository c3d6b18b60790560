"""Training by two processes against one: tox -e distributed-keras and distributed-keras-torch run it."""

import os

import keras
import pytest

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("takes minutes: tox -e distributed-keras runs it", allow_module_level=True)
if keras.backend.backend() == "jax":
    pytest.skip("on JAX a process trains alone", allow_module_level=True)

from trizoo.tests.two_processes import *  # noqa: F403
