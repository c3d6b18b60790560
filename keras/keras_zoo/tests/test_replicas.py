"""Training on two devices of one process, against one: tox -e distributed-keras runs this in processes of their own."""

import os

import keras
import pytest

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("needs a process with two devices: tox -e distributed-keras runs it", allow_module_level=True)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
elif keras.backend.backend() == "jax":
    import jax

    jax.config.update("jax_num_cpu_devices", 2)
else:
    pytest.skip("PyTorch trains on one device a process", allow_module_level=True)

from trizoo.ground.errors import UserError
from trizoo.tests.several_devices import *  # noqa: F403
from trizoo.tests.several_devices import Both, assert_own_statistics, make_learner


def test_batch_norms_go_by_each_devices_share_where_the_recipe_says_so_and_the_backend_can(zoo):
    if keras.backend.backend() == "tensorflow":
        assert_own_statistics(zoo)
        return
    with pytest.raises(UserError, match="sync_batch_norm is false, and Keras on JAX takes one step of the whole batch"):
        make_learner(zoo, Both(zoo).device("cpu"), sync_batch_norm=False)
    make_learner(zoo, sync_batch_norm=False)  # of one device there is nothing to refuse


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="on JAX several devices take both")
@pytest.mark.parametrize("options", [{"compile": True}, {"precision": "fp16"}])
def test_a_compiled_step_and_fp16_are_of_one_device_of_tensorflow_alone(zoo, options):
    with pytest.raises(UserError, match="one device alone"):
        make_learner(zoo, Both(zoo).device("cpu"), **options)
