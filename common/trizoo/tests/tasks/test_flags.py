import pytest

from trizoo.tasks import FLAGS, tasks
from trizoo.tasks.detection_flags import count, line_width, part, share, tile
from trizoo.tasks.flags import Flag


def test_every_task_states_its_flags():
    assert list(FLAGS) == list(tasks())
    assert all(task.name == name for name, task in tasks().items())


def test_a_share_is_a_number_from_0_to_1():
    assert [share("0"), share("1"), share("1e-3")] == [0, 1, 0.001]
    for text in ("1.01", "-0.1", "nan", "half"):
        with pytest.raises(ValueError, match=f"'{text}' is not a number from 0 to 1"):
            share(text)


def test_an_overlap_and_a_count_have_their_bounds():
    assert (part("0.9"), count("12")) == (0.9, 12)
    with pytest.raises(ValueError, match=r"'0\.95' is more than 0\.9"):
        part("0.95")
    for text in ("0", "-1", "1.5", "²"):
        with pytest.raises(ValueError, match=f"'{text}' is not a whole number of at least 1"):
            count(text)


def test_tiles_and_lines_are_no_smaller_and_no_wider_than_is_of_use():
    assert (tile("16"), line_width("1000")) == (16, 1000)
    with pytest.raises(ValueError, match="'15' pixels are too few for a tile; 16 or more are needed"):
        tile("15")
    for text in ("1001", "99999999999999999999"):
        with pytest.raises(ValueError, match=f"'{text}' is more than 1000 pixels"):
            line_width(text)


def test_a_flag_is_typed_with_hyphens_and_a_switch_takes_no_value():
    flag = Flag("nms_method", "how", choices=("a", "b"))
    assert (flag.option, flag.is_switch) == ("--nms-method", False)
    assert Flag("voc", "annotations").is_switch


def test_masks_flags_set_the_recipes_keys():
    mask_map, palette = FLAGS["segmentation"].train
    assert mask_map.sets(mask_map.parse("255=1")) == {"data.mask_map": {255: 1}}
    assert palette.sets(palette.parse("000000,800000,e0e0c0=255")) == {
        "data.palette": [(0, 0, 0), (128, 0, 0)],
        "data.ignore_colours": [(224, 224, 192)],
    }
