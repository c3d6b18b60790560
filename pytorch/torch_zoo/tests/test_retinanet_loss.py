"""The RetinaNet loss, as in every framework."""

from trizoo.tests.contract.retinanet_loss import *  # noqa: F403
