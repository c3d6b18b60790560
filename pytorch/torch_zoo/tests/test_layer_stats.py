"""What layers put out in a step, as in every framework."""

from trizoo.tests.contract.layer_stats import *  # noqa: F403
