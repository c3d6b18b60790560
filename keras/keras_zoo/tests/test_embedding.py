"""An embedding model's run, as in every framework."""

from trizoo.tests.contract.embedding import *  # noqa: F403
