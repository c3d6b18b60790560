"""What the tests that every framework runs, in common/trizoo/tests/contract, need of Keras."""

import gc
import os

import pytest

pytest.register_assert_rewrite("trizoo.tests.contract")

from keras_zoo.framework import Keras  # noqa: E402, assertions are rewritten in what is imported from here on

import keras  # noqa: E402, isort:skip: keras_zoo.framework quiets TensorFlow first
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402

from keras_zoo.families import FAMILIES  # noqa: E402
from keras_zoo.layers import get_array  # noqa: E402
from keras_zoo.losses.distillation import DistillationLoss  # noqa: E402
from keras_zoo.network import Network  # noqa: E402
from keras_zoo.optimizers import SGD  # noqa: E402
from trizoo.ground.memory import give_back_freed_memory  # noqa: E402
from trizoo.recipes.schema import Recipe  # noqa: E402
from trizoo.tests.cache import own_cache  # noqa: E402, F401
from trizoo.weights.initial import unfilled  # noqa: E402


def leave_graphs_as_they_are():
    """Most graphs here run once or twice, and optimising them takes longer; commands run as processes do it."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


if keras.backend.backend() == "tensorflow":
    leave_graphs_as_they_are()


def pytest_itemcollected(item):
    """Keras 3.15 itself converts arrays in a way that NumPy 2 deprecates."""
    item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="session")
def zoo():
    """The framework under test."""
    return Keras()


class Heads(Network):
    """A network that is nothing but its outputs, since Keras differentiates by variables only."""

    def __init__(self, spec, heads):
        super().__init__(spec)
        self.heads = [self.add_weight(head.shape, name=f"head_{number}") for number, head in enumerate(heads)]
        for variable, head in zip(self.heads, heads, strict=True):
            variable.assign(head)

    def call(self, images):
        return [ops.convert_to_tensor(head) for head in self.heads]


@pytest.fixture(scope="session")
def seldom():
    """Skips what is compiled for long and whose like is tested otherwise."""
    if "TRIZOO_SLOW" not in os.environ:
        pytest.skip("takes long: tox -e keras-slow runs it")


@pytest.fixture(scope="session")
def loss_and_gradients():
    """A loss as the contract has it: (spec, options) -> function(heads, targets, size) -> (terms, gradients).

    With a recipe's distill section it is that of a student, whose teacher's outputs are of the spec `teacher`.
    """

    def of(spec, options, distill=None, teacher=None):
        def measure(heads, targets, size):
            with unfilled():  # heads have no names of parameters
                model = Heads(spec, heads)
            optimizer = SGD(Recipe(optimizer={"weight_decay": 0}).optimizer)
            loss = FAMILIES[spec.family].loss(spec, options)
            if distill is not None:
                loss = DistillationLoss(loss, teacher and FAMILIES[spec.family].loss(teacher, options), distill)
            backend = keras.backend.backend()  # TensorFlow would compile each case for a single step
            model.compile(optimizer, loss, jit_compile=backend == "jax", run_eagerly=backend == "tensorflow")
            targets = {name: np.asarray(array) for name, array in targets.items()}
            images = np.zeros((len(heads[0]), size[1], size[0], 3), np.uint8)
            terms = model.train_on_batch(images, targets, return_dict=True)
            # from slots of zero and without weight decay, momentum is the gradient
            return terms, [get_array(optimizer.slot("momentum", head)) for head in model.heads]

        return measure

    return of


@pytest.fixture(scope="module", autouse=True)
def collected():
    """Frees a module's models, which Keras holds in cycles, before the next module makes more: gigabytes otherwise."""
    yield
    gc.collect()
    give_back_freed_memory()
