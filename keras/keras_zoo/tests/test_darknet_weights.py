"""Darknet's weight files, as in every framework."""

from trizoo.tests.contract.darknet_weights import *  # noqa: F403
