"""Anchors put into recipe files: only they change, and a file that can't be changed safely isn't."""

import numpy as np
import pytest
import yaml

from trizoo.ground.errors import UserError
from trizoo.recipes.edit import flow, write_anchors
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe

ANCHORS = np.array([[10, 14], [23.5, 27]])


def edited(tmp_path, text):
    """The file's text after the edit."""
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode())
    write_anchors(path, ANCHORS)
    return path.read_bytes().decode()


def test_anchors_are_one_line_of_yaml():
    assert flow(ANCHORS) == "[[10, 14], [23.5, 27]]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# mine\nmodel:\n  name: yolov3  # big\n  anchors: [[1, 2],\n    [3, 4]]  # old\n\nseed: 3 # lucky\n",
            "# mine\nmodel:\n  name: yolov3  # big\n  anchors: [[10, 14], [23.5, 27]]  # old\n\nseed: 3 # lucky\n",
        ),
        (
            "model:\n  anchors:\n  # small\n  - [1, 2]\n  - - 3\n    - 4\n  # about the name\n  name: yolov3\n",
            "model:\n  anchors:\n  # small\n  - [10, 14]\n  - [23.5, 27]\n  # about the name\n  name: yolov3\n",
        ),
        (
            "model:\n  anchors:  # none yet\nseed: 1\n",
            "model:\n  anchors: [[10, 14], [23.5, 27]]  # none yet\nseed: 1\n",
        ),
        ("model:\n  anchors: null\n", "model:\n  anchors: [[10, 14], [23.5, 27]]\n"),
        (
            "model:\n    # a name\n    name: yolov3\n",
            "model:\n    # a name\n    anchors: [[10, 14], [23.5, 27]]\n    name: yolov3\n",
        ),
        ("model: {name: yolov3}\n", "model: {anchors: [[10, 14], [23.5, 27]], name: yolov3}\n"),
        ("model: {}\n", "model: {anchors: [[10, 14], [23.5, 27]]}\n"),
        ("model:\nseed: 1\n", "model:\n  anchors: [[10, 14], [23.5, 27]]\nseed: 1\n"),
        ("model: null\n", "model: \n  anchors: [[10, 14], [23.5, 27]]\n"),
        ("seed: 1", "seed: 1\nmodel:\n  anchors: [[10, 14], [23.5, 27]]\n"),
        ("# nothing yet\n", "# nothing yet\nmodel:\n  anchors: [[10, 14], [23.5, 27]]\n"),
        ("", "model:\n  anchors: [[10, 14], [23.5, 27]]\n"),
        (
            "\ufeffmodel:\r\n  name: 图  # 评论\r\nseed: 1\r\n",
            "\ufeffmodel:\r\n  anchors: [[10, 14], [23.5, 27]]\r\n  name: 图  # 评论\r\nseed: 1\r\n",
        ),
    ],
)
def test_only_the_anchors_change(tmp_path, before, after):
    assert edited(tmp_path, before) == after


def test_a_second_edit_changes_nothing(tmp_path):
    once = edited(tmp_path, "model:\n  name: yolov3\n")
    assert edited(tmp_path, once) == once


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("other: &m {name: yolov3}\nmodel: *m\n", "can't be changed safely"),
        ("model:\n  anchors: [[1, 2]]\nmodel:\n  name: yolov3\n", "is no YAML file: .*'model' is there already"),
        ("{seed: 1}\n", "can't be changed safely"),
        ("model: yolov3\n", "holds no recipe"),
        ("- model\n", "holds no recipe"),
        ("just text\n", "holds no recipe"),
        ("model: [\n", "is no YAML file: .* line 2"),
        ("a: 1\n---\nb: 1\n", "is no YAML file"),
    ],
)
def test_what_cannot_be_changed_safely_stays_as_it_is(tmp_path, text, complaint):
    with pytest.raises(UserError, match=complaint) as error:
        edited(tmp_path, text)
    assert (tmp_path / "recipe.yaml").read_text() == text
    if "YAML" not in complaint:
        assert "model: {anchors: [[10, 14], [23.5, 27]]}" in str(error.value)


def test_a_file_that_cannot_be_reached_or_read_is_an_error(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(UserError, match="UTF-8"):
        write_anchors(tmp_path / "latin.yaml", ANCHORS)
    with pytest.raises(UserError, match="can't be read"):
        write_anchors(tmp_path, ANCHORS)


def test_a_new_file_begins_with_its_head_and_loads_as_a_recipe(tmp_path):
    path = tmp_path / "new.yaml"
    anchors = np.arange(1, 13).reshape(6, 2)
    write_anchors(path, anchors, head="# found today\n_base_: yolov3-tiny\n")
    assert path.read_text().startswith("# found today\n_base_: yolov3-tiny\nmodel:\n")
    assert np.array_equal(load(Recipe, file=path).recipe.model.anchors, anchors)
    assert yaml.safe_load(path.read_text())["_base_"] == "yolov3-tiny"
