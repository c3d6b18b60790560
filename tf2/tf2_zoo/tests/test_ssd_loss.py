"""The SSD loss, as in every framework."""

from common.tests.contract.ssd_loss import *  # noqa: F403
