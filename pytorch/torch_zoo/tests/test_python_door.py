"""The Python door, on this framework."""

from trizoo.tests.contract.python_door import *  # noqa: F403
