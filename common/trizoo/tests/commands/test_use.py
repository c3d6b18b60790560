"""What evaluate's and predict's flags make of a recipe, for checkpoints and exported files."""

import pytest

from trizoo.commands.flags import evaluate, predict
from trizoo.commands.use import as_asked
from trizoo.deploy.metadata import describe, parse
from trizoo.deploy.runtimes import Exported
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.build import Read
from trizoo.training.specs import spec_of


def asked(name, *flags, exported=False, command=predict):
    family = "segmentation" if name.startswith("deeplab") else "yolo"
    recipe = Recipe(model={"name": name}, classes=("a", "b"), input_size=(96, 64), loss={"kind": family})
    read = Read("a.h5", recipe, spec_of(recipe), {})
    if exported:
        options = {"raw": True, "dynamic_size": False, "batch": None, "precision": "fp32", "licence": None}
        text = describe(recipe, read.spec, **options, thresholds={}).to_json()
        read = Exported("a.onnx", *parse(text, "a.onnx"))
    source = ["x.png"] if command is predict else []
    args = command.parser().parse_args([*source, "--weights", "a.h5", *flags])
    task = "segmentation" if family == "segmentation" else "detection"
    return as_asked(read, args, "predict" if command is predict else "evaluate", task)


@pytest.mark.parametrize("command", [predict, evaluate])
def test_another_output_stride_is_another_graph_of_the_same_weights(command):
    assert asked("deeplabv3plus-mobilenetv2", command=command).spec.output_stride == 16
    read = asked("deeplabv3plus-mobilenetv2", "--output-stride", "8", command=command)
    assert read.spec.output_stride == read.recipe.model.output_stride == 8


def test_an_exported_file_keeps_its_output_stride():
    with pytest.raises(UserError, match=r"a\.onnx has its output stride in its graph; leave --output-stride out"):
        asked("deeplabv3plus-mobilenetv2", "--output-stride", "8", exported=True)


def test_further_sizes_of_an_exported_file_for_one_are_refused():
    with pytest.raises(UserError, match=r"a\.onnx is for images of 96x64, and 192x128 is asked for"):
        asked("yolov3-tiny", "--tta-scales", "2", exported=True)
    assert asked("yolov3-tiny", "--tta-scales", "2").recipe.input_size == (96, 64)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "1e9", "0.8,", "big", "0.8 1.2"])
def test_scales_that_are_none_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        predict.parser().parse_args(["x.png", "--weights", "a.h5", f"--tta-scales={text}"])
    assert f"{text!r} is no list of factors from 0.1 to 4, such as 0.8,1.25" in capsys.readouterr().err
