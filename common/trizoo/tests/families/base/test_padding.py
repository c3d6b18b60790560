import pytest

from trizoo.families.base.padding import padded_count


@pytest.mark.parametrize(("count", "padded"), [(0, 16), (1, 16), (16, 16), (17, 32), (32, 32), (33, 64), (100, 128)])
def test_boxes_are_padded_to_a_power_of_two(count, padded):
    assert padded_count(count) == padded
