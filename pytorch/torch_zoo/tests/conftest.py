"""What the tests that every framework runs, in common/trizoo/tests/contract, need of PyTorch."""

import pytest

pytest.register_assert_rewrite("trizoo.tests.contract")

import torch  # noqa: E402, assertions are rewritten in what is imported from here on

from torch_zoo.families import FAMILIES  # noqa: E402
from torch_zoo.framework import PyTorch  # noqa: E402
from torch_zoo.losses.distillation import DistillationLoss  # noqa: E402
from trizoo.tests.cache import own_cache  # noqa: E402, F401


@pytest.fixture(scope="session")
def zoo():
    """The framework under test."""
    return PyTorch()


@pytest.fixture(scope="session")
def seldom():
    """Where graphs are compiled, this skips what takes long; here nothing does."""


@pytest.fixture(scope="session")
def loss_and_gradients():
    """A loss as the contract has it: (spec, options) -> function(heads, targets, size) -> (terms, gradients).

    With a recipe's distill section it is that of a student, whose teacher's outputs are of the spec `teacher`.
    """

    def of(spec, options, distill=None, teacher=None):
        loss = FAMILIES[spec.family].loss(spec, options)
        if distill is not None:
            loss = DistillationLoss(loss, teacher and FAMILIES[spec.family].loss(teacher, options), distill)

        def measure(heads, targets, size):
            tensors = [torch.tensor(head, requires_grad=True) for head in heads]
            terms = loss(tensors, {name: torch.as_tensor(value) for name, value in targets.items()}, size)
            terms["loss"].backward()
            return {name: float(value.detach()) for name, value in terms.items()}, [t.grad.numpy() for t in tensors]

        return measure

    return of
