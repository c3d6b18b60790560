"""Training on a machine that fails it, as in every framework."""

from trizoo.tests.contract.faults import *  # noqa: F403
