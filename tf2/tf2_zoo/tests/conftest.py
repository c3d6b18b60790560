"""What the tests that every framework runs, in common/trizoo/tests/contract, need of TensorFlow 2."""

import pytest

pytest.register_assert_rewrite("trizoo.tests.contract")

import tensorflow as tf  # noqa: E402, assertions are rewritten in what is imported from here on

from tf2_zoo.families import FAMILIES  # noqa: E402
from tf2_zoo.framework import TF2  # noqa: E402
from trizoo.tests.cache import own_cache  # noqa: E402, F401


@pytest.fixture(scope="session")
def zoo():
    """The framework under test."""
    return TF2()


@pytest.fixture(scope="session")
def loss_and_gradients():
    """A loss as the contract has it: (spec, options) -> function(heads, targets, size) -> (terms, gradients)."""

    def of(spec, options):
        loss = FAMILIES[spec.family].loss(spec, options)

        def measure(heads, targets, size):
            tensors = [tf.constant(head) for head in heads]
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                terms = loss(tensors, targets, size)
            gradients = tape.gradient(terms["loss"], tensors)
            return {name: float(value) for name, value in terms.items()}, [gradient.numpy() for gradient in gradients]

        return measure

    return of
