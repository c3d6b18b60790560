"""The loss of segmentation, as in every framework."""

from trizoo.tests.contract.segmentation_loss import *  # noqa: F403
