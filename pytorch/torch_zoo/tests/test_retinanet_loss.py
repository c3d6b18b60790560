"""The RetinaNet loss, as in every framework."""

from common.tests.contract.retinanet_loss import *  # noqa: F403
