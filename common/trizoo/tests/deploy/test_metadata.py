"""What an exported file says of itself, there and back."""

import json

import pytest

from trizoo.deploy.metadata import Thresholds, describe, parse
from trizoo.families import family_of
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.specs import spec_of

RECIPE = Recipe(
    model={"name": "yolov3-tiny"},
    classes=("cat", "dög"),
    input_size=(96, 64),
    data={"root": "/home/someone/photos", "images": "/home/someone/more", "mask_map": ((255, 1),)},
)
THRESHOLDS = Thresholds(confidence=0.3, nms=0.4, max_detections=7)


def described(recipe=RECIPE, **changes):
    options = {"raw": False, "dynamic_size": False, "batch": None, "precision": "fp32"}
    options |= {"thresholds": THRESHOLDS, "licence": "MIT"}
    return describe(recipe, spec_of(recipe), **options | changes)


def test_model_classes_and_thresholds_come_back():
    metadata, recipe, spec = parse(described().to_json(), "a.onnx")
    assert metadata == described()
    assert spec == spec_of(RECIPE)
    assert (recipe.classes, recipe.input_size, recipe.resize) == (("cat", "dög"), (96, 64), "letterbox")
    assert (recipe.predict, recipe.evaluate) == (RECIPE.predict, RECIPE.evaluate)
    assert recipe.data.mask_map == RECIPE.data.mask_map


def test_paths_of_the_machine_stay_there():
    text = described().to_json()
    assert "someone" not in text
    assert parse(text, "a.onnx")[1].data.root is None


@pytest.mark.parametrize(
    ("model", "raw", "kind", "outputs"),
    [
        ("yolov3-tiny", False, "boxes", ("boxes", "scores", "labels")),
        ("yolov3-tiny", True, "raw", ()),
        ("deeplabv3plus-mobilenetv2", False, "mask", ("mask",)),
        ("deeplabv3plus-mobilenetv2", True, "raw", ()),
        ("classify-resnet18", False, "probabilities", ("probabilities",)),
        ("classify-resnet18", True, "raw", ()),
    ],
)
def test_outputs_are_the_tasks(model, raw, kind, outputs):
    loss = family_of(model).loss.model_fields["kind"].default
    recipe = Recipe(model={"name": model}, classes=("a", "b"), loss={"kind": loss})
    metadata = described(recipe, raw=raw)
    assert (metadata.kind, metadata.outputs) == (kind, outputs)
    assert (metadata.thresholds is not None) == (kind == "boxes")


def changed(**values):
    return json.dumps(json.loads(described().to_json()) | values)


def with_recipe(**values):
    recipe = json.loads(described().to_json())["recipe"]
    return changed(recipe=recipe | values)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, r"a\.onnx wasn't written by trizoo export, so its outputs aren't known; a file of trizoo export, or"),
        ("{", "has notes of TriZoo's that are no JSON object"),
        ("[]", "has notes of TriZoo's that are no JSON object"),
        ("[" * 100_000, "has notes of TriZoo's that are no JSON object"),
        (f"[{'[],' * 60_000}[]]", "has notes of more than 100,000 values, so they aren't TriZoo's"),
        (changed(format=2), "has notes of format 2, and this is TriZoo .* reads up to 1: a newer version is needed"),
        (changed(batch=0), "has notes of TriZoo's that don't fit at batch"),
        (changed(kind="text"), "has notes of TriZoo's that don't fit at kind"),
        (changed(more=1), "has notes of TriZoo's that don't fit at more"),
        (changed(task="segmentation"), "in which the outputs head_p5, head_p4 are said to be those of yolov3-tiny"),
        (changed(raw_outputs=["x"]), "in which the outputs x are said to be those of yolov3-tiny, which has head_p5"),
        (with_recipe(classes=[]), "has notes of TriZoo's without classes"),
        (with_recipe(input_size=[97, 64]), "input size 97x64 doesn't fit yolov3-tiny"),
        (with_recipe(model={"name": "yolov9"}), "unknown model 'yolov9'"),
        (with_recipe(resize="crop"), "the notes of a.onnx: resize"),
    ],
)
def test_other_notes_are_one_sentence(text, sentence):
    with pytest.raises(UserError, match=sentence):
        parse(text, "a.onnx")
