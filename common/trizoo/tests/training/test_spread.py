"""How many devices one process trains on, and what several can't."""

import pytest

from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.spread import check_compiles, check_fp16, check_own_statistics, spread


class Several:
    """A framework of eight devices, all of which it is asked to take, with the number of images they were to share."""

    def spread(self, device, most):
        self.most = most
        return device * 8, 8


def test_the_devices_are_told_of_with_the_batch_that_they_share():
    told = []
    assert spread(Several(), "d", Recipe(schedule={"batch_size": 16}), told.append) == ("dddddddd", 8)
    spread(Several(), "d", Recipe(schedule={"batch_size": 16}, sync_batch_norm=False), told.append)
    assert told == [
        "devices: 8 share each batch of 16; batch norms go by the whole of it",
        "devices: 8 share each batch of 16; each one's batch norms go by its share",
    ]


def test_shares_that_have_a_single_value_of_a_channel_need_batch_norms_by_all_of_them():
    options = {"model": {"name": "yolov3-tiny"}, "input_size": (32, 32), "schedule": {"batch_size": 8}}
    spread(Several(), "d", Recipe(**options), print)
    with pytest.raises(UserError, match=r"a single value per channel; .* --set sync_batch_norm=true"):
        spread(Several(), "d", Recipe(**options, sync_batch_norm=False), print)


def test_batch_norms_of_each_device_are_more_than_jax_can_do():
    check_own_statistics(Recipe())
    with pytest.raises(UserError, match="sync_batch_norm is false, and Keras on JAX"):
        check_own_statistics(Recipe(sync_batch_norm=False))


def test_devices_share_parts_of_batches_of_the_frozen_and_the_free_time_alike():
    framework = Several()
    recipe = Recipe(schedule={"batch_size": 16, "accumulate": 2}, freeze={"batch_size": 24})
    spread(framework, "d", recipe, print)
    assert framework.most == 4  # the greatest common divisor of 16 and 24, in two parts


@pytest.mark.parametrize(
    ("check", "options"), [(check_compiles, {"compile": True}), (check_fp16, {"precision": "fp16"})]
)
def test_what_several_devices_of_tensorflow_cannot_do_is_a_sentence(check, options):
    check(Recipe())
    with pytest.raises(UserError, match="one device alone"):
        check(Recipe(**options))
