"""The learner, as in every framework."""

from common.tests.contract.learner import *  # noqa: F403
