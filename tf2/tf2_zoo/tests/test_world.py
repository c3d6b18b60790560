"""What tells of several processes, as in every framework."""

from trizoo.tests.contract.processes import *  # noqa: F403
