"""The loss of multi-label classification, as in every framework."""

from trizoo.tests.contract.multilabel_loss import *  # noqa: F403
