"""A classifier's run, as in every framework."""

from trizoo.tests.contract.classification import *  # noqa: F403
