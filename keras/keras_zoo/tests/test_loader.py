"""The loader, as in every framework."""

from common.tests.contract.loader import *  # noqa: F403
