"""`trizoo recipes`."""

import json

import pytest

from trizoo.commands.main import main
from trizoo.ground.errors import UserError
from trizoo.recipes.load import RECIPES, load
from trizoo.recipes.schema import Recipe


def test_every_recipe_is_listed_with_a_sentence(capsys):
    assert main(["recipes"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert set(lines) == {path.stem for path in RECIPES.glob("*.yaml")}
    assert lines["yolov3-tiny-synthetic"].startswith("What `train.py` does without arguments")
    assert lines["deeplabv3-resnet50"] != "DeepLabv3 (Chen et al"


def test_a_recipe_is_printed_as_a_file_that_is_one(capsys, tmp_path):
    assert main(["recipes", "yolov4-tiny"]) == 0
    text = capsys.readouterr().out
    assert main(["recipes", "yolov4-tiny", "--out", str(tmp_path / "mine.yaml")]) == 0
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == text
    assert load(Recipe, file=tmp_path / "mine.yaml").recipe.model.name == "yolov4-tiny"


def test_the_schema_is_json_that_knows_the_sections(capsys):
    assert main(["recipes", "--schema"]) == 0
    assert {"_base_", "model", "schedule"} <= json.loads(capsys.readouterr().out)["properties"].keys()


def test_a_wrong_name_is_told_with_the_nearest():
    with pytest.raises(UserError, match="no recipe 'yolov3tiny'; did you mean 'yolov3-tiny'"):
        main(["recipes", "yolov3tiny"])


def test_a_file_that_is_there_stays_as_it_is(tmp_path):
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="is there already; another --out would do"):
        main(["recipes", "yolov3", "--out", str(tmp_path / "mine.yaml")])
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "mine"
