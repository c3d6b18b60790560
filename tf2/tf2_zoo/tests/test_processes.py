"""Training by two processes that TF_CONFIG tells of each other, against one: tox -e distributed-tf2 runs it."""

import os

import pytest

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("takes minutes: tox -e distributed-tf2 runs it", allow_module_level=True)

from trizoo.tests.two_processes import *  # noqa: F403
