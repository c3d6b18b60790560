"""The commands, as in every framework."""

from common.tests.contract.commands import *  # noqa: F403
