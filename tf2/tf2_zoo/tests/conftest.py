"""What the tests that every framework runs, in common/trizoo/tests/contract, need of TensorFlow 2."""

import os

import pytest

pytest.register_assert_rewrite("trizoo.tests.contract")

import tensorflow as tf  # noqa: E402, assertions are rewritten in what is imported from here on

from tf2_zoo.families import FAMILIES  # noqa: E402
from tf2_zoo.framework import TF2  # noqa: E402
from tf2_zoo.losses.distillation import DistillationLoss  # noqa: E402
from trizoo.parity.probe import loss_section  # noqa: E402
from trizoo.parity.pseudo import pseudo_arrays  # noqa: E402
from trizoo.recipes.load import to_dict  # noqa: E402
from trizoo.recipes.schema import Recipe  # noqa: E402
from trizoo.tests.cache import own_cache  # noqa: E402, F401
from trizoo.training.specs import spec_of  # noqa: E402
from trizoo.weights.checkpoint import Checkpoint, save  # noqa: E402

# most graphs here are run once or twice, and optimising them takes longer; commands in processes of their own do it
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session")
def zoo():
    """The framework under test."""
    return TF2()


@pytest.fixture(scope="session")
def seldom():
    """Skips what is compiled for long and whose like is tested otherwise."""
    if "TRIZOO_SLOW" not in os.environ:
        pytest.skip("takes long: tox -e tf2-slow runs it")


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
            tensors = [tf.constant(head) for head in heads]
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                terms = loss(tensors, targets, size)
            gradients = tape.gradient(terms["loss"], tensors)
            return {name: float(value) for name, value in terms.items()}, [gradient.numpy() for gradient in gradients]

        return measure

    return of


@pytest.fixture(scope="session")
def checkpoint(zoo, tmp_path_factory):
    """Makes a checkpoint of a model that knows three shapes, with weights made from names: its path."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def make(model, size, options=None, **changes):
        recipe = Recipe(
            model={"name": model, **(options or {})},
            classes=("circle", "square", "triangle"),
            input_size=size,
            loss=loss_section(model),
            predict={"score": 0.2},
            **changes,
        )
        path = folder / f"{model}{len(list(folder.iterdir()))}.h5"
        arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
        save(path, Checkpoint(arrays, to_dict(recipe), "tf2"))
        return path

    return make
