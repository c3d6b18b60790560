"""The SSD loss, as in every framework."""

from trizoo.tests.contract.ssd_loss import *  # noqa: F403
