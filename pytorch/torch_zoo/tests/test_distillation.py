"""Distillation, as in every framework."""

from trizoo.tests.contract.distillation import *  # noqa: F403
