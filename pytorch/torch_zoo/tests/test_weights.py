"""Arrays by canonical name, as in every framework."""

from trizoo.tests.contract.weights import *  # noqa: F403
