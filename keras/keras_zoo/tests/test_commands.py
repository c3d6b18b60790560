"""The commands, as in every framework."""

from trizoo.tests.contract.commands import *  # noqa: F403
