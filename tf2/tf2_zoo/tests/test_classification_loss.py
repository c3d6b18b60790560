"""The loss of classification, as in every framework."""

from trizoo.tests.contract.classification_loss import *  # noqa: F403
