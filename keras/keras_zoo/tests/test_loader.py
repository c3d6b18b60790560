"""The loader, as in every framework."""

from trizoo.tests.contract.loader import *  # noqa: F403
