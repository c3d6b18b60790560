"""Every family of models by the three commands, as in every framework."""

from trizoo.tests.contract.families import *  # noqa: F403
