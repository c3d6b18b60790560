"""The parity checks, as in every framework."""

from trizoo.tests.contract.parity import *  # noqa: F403
