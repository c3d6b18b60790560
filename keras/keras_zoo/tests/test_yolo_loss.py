"""The YOLO loss, as in every framework."""

from trizoo.tests.contract.yolo_loss import *  # noqa: F403
