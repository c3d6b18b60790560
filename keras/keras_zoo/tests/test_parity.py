"""The parity checks, as in every framework."""

from common.tests.contract.parity import *  # noqa: F403
