"""The loss of key points, as in every framework."""

from trizoo.tests.contract.keypoints_loss import *  # noqa: F403
