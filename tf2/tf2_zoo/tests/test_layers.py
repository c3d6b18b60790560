"""Layers against numbers worked out by NumPy, and names of what lies below a module."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo.layers import BatchNorm, Conv2d, Module, named_modules, named_variables


def test_batch_norm_normalises_with_the_biased_variance_and_stores_the_unbiased_one():
    x = np.random.default_rng(0).normal(3, 2, (2, 3, 4, 5)).astype(np.float32)
    layer = BatchNorm(5, eps=1e-5, momentum=0.1)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    output = layer(tf.constant(x), training=True).numpy()
    assert output == pytest.approx((x - mean) / np.sqrt(variance + 1e-5), abs=1e-5)
    assert layer.running_mean.numpy() == pytest.approx(0.1 * mean, rel=1e-5)
    # 2 * 3 * 4 = 24 values per channel
    assert layer.running_var.numpy() == pytest.approx(0.9 + 0.1 * variance * 24 / 23, rel=1e-5)


def test_batch_norm_out_of_training_uses_what_is_stored_and_leaves_it():
    layer = BatchNorm(1, eps=0.25, momentum=0.1)
    layer.running_mean.assign([2.0])
    layer.running_var.assign([3.75])
    layer.weight.assign([6.0])
    layer.bias.assign([1.0])
    # (4 - 2) / sqrt(3.75 + 0.25) * 6 + 1 = 7
    assert layer(tf.fill((1, 1, 1, 1), 4.0)).numpy().item() == pytest.approx(7.0)
    assert layer.running_mean.numpy() == [2.0]


class Outer(Module):
    """A batch norm called as the call around it says, then one that is never trained, and then perhaps an error."""

    def __init__(self):
        super().__init__()
        self.follows, self.refuses = (BatchNorm(1, eps=0.0, momentum=0.5) for _ in range(2))
        self.fails = False

    def call(self, x):
        x = self.refuses(self.follows(x), training=False)
        if self.fails:
            raise RuntimeError("as told")
        return x


def means(module):
    """The stored mean of each batch norm, by name."""
    return {name: float(part.running_mean[0]) for name, part in named_modules(module) if isinstance(part, BatchNorm)}


TENS = tf.reshape(tf.constant([9.0, 11.0]), (2, 1, 1, 1))  # of mean 10, of which the momentum above takes half


@pytest.mark.parametrize(
    ("training", "held", "mean"), [(True, False, 5), (True, True, 0), (False, False, 0), (None, False, 0)]
)
def test_statistics_move_in_training_alone_and_not_where_they_are_held(training, held, mean):
    module = Outer()
    module.follows.held = held
    module(TENS, training=training)
    assert means(module) == {"follows": mean, "refuses": 0}


def test_a_held_batch_norm_gives_in_training_what_it_gives_otherwise():
    layer = BatchNorm(1, eps=0.0, momentum=0.5)
    layer.held = True
    assert np.array_equal(layer(TENS, training=True), layer(TENS))
    assert np.array_equal(layer(TENS), TENS)
    layer.held = False
    assert layer(TENS, training=True).numpy().ravel().tolist() == [-1, 1]  # (9 - 10) / 1, (11 - 10) / 1


def test_an_error_ends_the_training_that_its_call_was_of():
    module = Outer()
    module.fails = True
    with pytest.raises(RuntimeError, match="as told"):
        module(TENS, training=True)
    assert means(module) == {"follows": 5, "refuses": 0}
    module.fails = False
    module(TENS)
    assert means(module) == {"follows": 5, "refuses": 0}


def test_another_thread_is_not_in_training():
    class Threaded(Module):
        """Calls its batch norm in a thread of its own."""

        def __init__(self):
            super().__init__()
            self.norm = BatchNorm(1, eps=0.0, momentum=0.5)

        def call(self, x):
            thread = threading.Thread(target=self.norm, args=(x,))
            thread.start()
            thread.join()
            return self.norm(x + 10)

    module = Threaded()
    module(TENS, training=True)
    assert means(module) == {"norm": 10}  # half of 20; with the thread's 5 it would be 12.5


def test_a_graph_is_of_the_training_that_it_was_traced_in():
    module = Outer()
    train, predict = tf.function(lambda x: module(x, training=True)), tf.function(module)
    predict(TENS)
    assert means(module) == {"follows": 0, "refuses": 0}
    train(TENS)
    assert means(module) == {"follows": 5, "refuses": 0}
    predict(TENS)
    assert means(module) == {"follows": 5, "refuses": 0}


def test_a_convolution_of_stride_2_pads_all_sides_alike():
    layer = Conv2d(1, 1, 3, stride=2)
    layer.weight.assign(tf.ones((3, 3, 1, 1)))
    # windows begin at -1 and 1: the corner sees 2 x 2 pixels, the middle of a side 2 x 3, the inside 3 x 3
    assert layer(tf.ones((1, 4, 4, 1))).numpy()[0, :, :, 0].tolist() == [[4, 6], [6, 9]]


def test_names_are_attribute_paths_in_the_order_of_assignment():
    class Pair(Module):
        def __init__(self):
            super().__init__()
            self.second = [Conv2d(1, 2, 1, bias=False)]
            self.first = BatchNorm(2, 1e-5, 0.1)

    assert list(named_variables(Pair())) == [
        "second.0.weight",
        "first.weight",
        "first.bias",
        "first.running_mean",
        "first.running_var",
    ]
    assert [name for name, _ in named_modules(Pair())] == ["", "second.0", "first"]
