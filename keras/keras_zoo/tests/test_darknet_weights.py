"""Darknet's weight files, as in every framework."""

from common.tests.contract.darknet_weights import *  # noqa: F403
