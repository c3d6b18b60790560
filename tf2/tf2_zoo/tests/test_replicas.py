"""Training on two devices of one process, against one: tox -e distributed-tf2 runs this in a process of its own."""

import os

import pytest
import tensorflow as tf

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("needs a process with two devices: tox -e distributed-tf2 runs it", allow_module_level=True)

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from trizoo.ground.errors import UserError  # noqa: E402, before what is imported here the devices are made
from trizoo.tests.several_devices import *  # noqa: E402, F403
from trizoo.tests.several_devices import Both, assert_own_statistics, make_learner  # noqa: E402


def test_batch_norms_go_by_each_devices_share_where_the_recipe_says_so(zoo):
    assert_own_statistics(zoo)


def test_a_compiled_step_is_of_one_device_alone(zoo):
    with pytest.raises(UserError, match="one device alone"):
        make_learner(zoo, Both(zoo).device("cpu"), compile=True)
