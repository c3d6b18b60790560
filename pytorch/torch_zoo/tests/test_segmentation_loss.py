"""The loss of segmentation, as in every framework."""

from common.tests.contract.segmentation_loss import *  # noqa: F403
