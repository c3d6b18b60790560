"""Arrays by canonical name, as in every framework."""

from common.tests.contract.weights import *  # noqa: F403
