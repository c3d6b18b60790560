"""How many devices one process trains on, and what several can't."""

import pytest

from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.spread import check_compiles, check_fp16, spread


class Several:
    """A framework of eight devices, all of which it is asked to take, with the number of images they were to share."""

    def spread(self, device, most):
        self.most = most
        return device * 8, 8


def test_the_devices_are_told_of_with_the_batch_that_they_share():
    told = []
    assert spread(Several(), "d", Recipe(schedule={"batch_size": 16}), told.append) == ("dddddddd", 8)
    assert told == ["devices: 8 share each batch of 16; batch norms go by the whole of it"]


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
