import time

import pytest

from trizoo.data.masks.class_files import VOC_NAMES, find_classes
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError


def found(root, name, text):
    (root / name).write_text(text, encoding="utf-8")
    return find_classes(root)


def test_a_name_a_line(tmp_path):
    assert found(tmp_path, "Labels.TXT", "背景\n\n traffic light \r\n# no class\ncar").names == (
        "背景",
        "traffic light",
        "car",
    )


def test_labelmes_file_begins_with_what_is_no_class(tmp_path):
    assert found(tmp_path, "labels.txt", "__ignore__\n_background_\ncat\n").names == ("background", "cat")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("label_colors.txt", "0 0 0\t\tground\n64 128 64\ttraffic light\n1 2 3 Void\n"),
        ("class_dict.csv", "name,r,g,b\nground,0,0,0\ntraffic light, 64, 128, 64\nvoid,1,2,3\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nground:0,0,0::\ntraffic light:64,128,64::\nvoid:1,2,3::\n"),
    ],
)
def test_colours_as_camvid_kaggle_and_cvat_write_them(tmp_path, name, text):
    classes = found(tmp_path, name, text)
    assert classes.names == ("ground", "traffic light")
    assert classes.palette == ((0, 0, 0), (64, 128, 64))
    assert classes.ignore_colours == ((1, 2, 3),)


def test_nothing_is_found_in_an_empty_folder(tmp_path):
    assert find_classes(tmp_path) is None
    assert find_classes(tmp_path / "none") is None


def test_synthetic_data_say_their_names(tmp_path):
    synthesize(tmp_path / "set", 2, (48, 48), ["star", "circle"])
    assert find_classes(tmp_path / "set").names == ("background", "star", "circle")


def test_vocs_lists_say_that_it_is_voc(tmp_path):
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name in VOC_NAMES[1:]:
        (tmp_path / "ImageSets" / "Main" / f"{name}_train.txt").touch()
    assert find_classes(tmp_path) is None
    (tmp_path / "ImageSets" / "Main" / "aeroplane_trainval.txt").touch()
    assert find_classes(tmp_path).names == ("background", *VOC_NAMES)


@pytest.mark.parametrize("text", ["", "a\nb\na\n", "a\nb,1,2,3\n"])
def test_files_that_name_no_classes_are_refused(tmp_path, text):
    with pytest.raises(UserError, match=r"classes\.txt"):
        found(tmp_path, "classes.txt", text)


def test_very_many_names_take_no_time_by_their_square(tmp_path):
    before = time.process_time()
    with pytest.raises(UserError, match=r"names '7' twice"):
        found(tmp_path, "classes.txt", "".join(f"{number}\n" for number in range(100_000)) + "7\n")
    assert time.process_time() - before < 5


@pytest.mark.parametrize("text", ["[]", '{"classes": 3}', '{"classes": [1]}', '{"classes": {"a": 1}}', "[" * 100_000])
def test_a_marker_that_the_zoo_didnt_write_says_no_names(tmp_path, text):
    (tmp_path / "synthetic.json").write_text(text)
    assert find_classes(tmp_path) is None
