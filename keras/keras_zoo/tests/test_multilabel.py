"""A multi-label classifier's run, as in every framework."""

from trizoo.tests.contract.multilabel import *  # noqa: F403
