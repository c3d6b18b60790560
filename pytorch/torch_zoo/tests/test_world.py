"""What tells of several processes, as in every framework."""

from trizoo.tests.contract.world import *  # noqa: F403
