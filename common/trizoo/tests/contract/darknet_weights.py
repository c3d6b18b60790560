"""Darknet's weight files in a framework's networks, against an interpreter of the .cfg that reads them too."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.evaluate import evaluate
from trizoo.commands.predict import predict
from trizoo.download import manifest
from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.parity.golden import golden_spec
from trizoo.parity.pseudo import pseudo_images
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.weights.darknet_cfg import darknet53, interpret, made_up
from trizoo.training.build import build_model
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import load
from trizoo.weights.convert import convert
from trizoo.weights.importers import darknet, import_weights
from trizoo.weights.initial import initial_arrays
from trizoo.weights.readers import read

CFG = Path(__file__).parents[1] / "weights" / "cfg"
FLOATS = {
    "yolov3": 62_001_757,
    "yolov3-spp": 63_052_381,
    "yolov3-tiny": 8_858_734,
    "yolov4": 64_429_405,
    "yolov4-tiny": 6_062_814,
}
HEADER = 20  # bytes
MANIFEST = """
class_lists: {{}}
normalisations: {{unit: {{channels: RGB, divisor: 255, mean: [0, 0, 0], std: [1, 1, 1]}}}}
licences: {{free: do as you like}}
datasets: {{}}
weights:
  yolov3-tiny.made-up:
    {{model: yolov3-tiny, dataset: none, source: a test, format: darknet, urls: ["{url}"],
    checksums: {{sha256: {sha256}}}, trust: good, licence: free, input_size: [64, 64], normalisation: unit}}
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A made-up yolov3-tiny.weights for COCO's 80 classes."""
    path = tmp_path_factory.mktemp("darknet") / "yolov3-tiny.weights"
    path.write_bytes(made_up((CFG / "yolov3-tiny.cfg").read_text()))
    return path


@pytest.fixture(scope="module")
def backbone(tiny):
    """A checkpoint of the first eight convolutions, as of yolov3-tiny.conv.15: the backbone's and the neck's first."""
    first = darknet.layout("yolov3-tiny", 80)[:8]
    size = sum(math.prod(shape) for convolution in first for _, shape in convolution)
    part = tiny.with_name("yolov3-tiny.conv.15")
    part.write_bytes(tiny.read_bytes()[: HEADER + 4 * size])
    path = part.with_name("backbone.h5")
    convert(part, path, model="yolov3-tiny")
    return path


@pytest.mark.parametrize("name", FLOATS)
def test_a_weight_file_gives_the_heads_that_darknet_s_definition_gives(zoo, name, tmp_path):
    cfg = (CFG / f"{name}.cfg").read_text()
    path = tmp_path / f"{name}.weights"
    path.write_bytes(made_up(cfg, revision=0 if name.startswith("yolov3") else 5))  # as the public files have it
    images = pseudo_images(1, (64, 64))
    expected, taken = interpret(cfg, path.read_bytes(), images)

    weights = read(path)
    assert taken == weights.arrays["floats"].size == FLOATS[name]
    device = zoo.device("cpu")
    model = zoo.build(golden_spec(name), device, seed=None)
    zoo.assign(model, import_weights(weights, name).arrays)
    expected.sort(key=lambda head: head.shape[1])  # coarsest first, as our models give them
    for head, wanted in zip(zoo.predictor(model, "fp32", device)(images), expected, strict=True):
        assert np.abs(head - wanted.reshape(head.shape)).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.usefixtures("seldom")
def test_a_classifiers_file_gives_the_logits_that_darknet_s_definition_gives(zoo, tmp_path):
    path = tmp_path / "darknet53.weights"
    path.write_bytes(made_up(darknet53(), revision=0))
    images = pseudo_images(1, (64, 64))
    (expected,), taken = interpret(darknet53(), path.read_bytes(), images)
    assert taken == 40_620_640 + 1000 * 1025  # darknet53.conv.74, and 1024 numbers and a bias a class

    convert(path, tmp_path / "ours.h5")  # which is recognised by its size
    given = load(tmp_path / "ours.h5")
    recipe = from_dict(Recipe, given.recipe, "this test")
    model = zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)
    zoo.assign(model, given.weights)
    (logits,) = zoo.predictor(model, "fp32", zoo.device("cpu"))(images)
    assert np.abs(logits - expected[:, 0, 0]).max() < 1e-5 * np.abs(expected).max()


def test_fine_tuning_from_a_backbone_reinitialises_the_rest(zoo, backbone):
    given = load(backbone)
    recipe = from_dict(Recipe, given.recipe | {"classes": ["cat", "dog"]}, "this test")
    said = []
    arrays = zoo.arrays(build_model(zoo, recipe, zoo.device("cpu"), said.append, weights=str(backbone)))
    shapes = {name: array.shape for name, array in arrays.items()}
    initial = initial_arrays(shapes, recipe.seed, spec_of(recipe), recipe.model.objectness_prior)
    assert len(given.model) == 8 * 5
    for name, array in arrays.items():
        assert np.array_equal(array, given.model.get(name, initial[name])), name
    assert said[0] == "weights: a backbone, so what it lacks of the rest is re-initialised"
    assert "missing         head_p5: 7 arrays" in said[1]


def test_attention_is_reinitialised_beside_weights_that_know_none(zoo, tmp_path):
    path = tmp_path / "yolov4-tiny.weights"
    path.write_bytes(made_up((CFG / "yolov4-tiny.cfg").read_text()))
    convert(path, tmp_path / "plain.h5", model="yolov4-tiny")
    given = load(tmp_path / "plain.h5")
    recipe = from_dict(Recipe, given.recipe | {"model": given.recipe["model"] | {"attention": "eca"}}, "this test")
    said = []
    model = build_model(zoo, recipe, zoo.device("cpu"), said.append, weights=str(tmp_path / "plain.h5"))
    arrays = zoo.arrays(model)
    assert all(np.array_equal(arrays[name], array) for name, array in given.model.items())
    assert arrays.keys() - given.model.keys() == {f"attention_{level}.along.weight" for level in ("c4", "c5", "p4")}
    assert "attention_c4" in said[0]


def test_a_backbone_alone_finds_nothing_and_says_so(zoo, backbone, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    sentence = r"backbone\.h5 holds the backbone of yolov3-tiny and nothing that predicts"
    for command, source in ((predict, [str(tmp_path / "a.png")]), (evaluate, [])):
        with pytest.raises(UserError, match=sentence):
            command(zoo, [*source, "--weights", str(backbone), "--device", "cpu"])


def test_a_tag_is_brought_converted_and_used_by_one_command(zoo, tiny, tmp_path, monkeypatch, capsys):
    place = tmp_path / "weights_manifest.yaml"
    place.write_text(MANIFEST.format(url=tiny.as_uri(), sha256=hashlib.sha256(tiny.read_bytes()).hexdigest()))
    monkeypatch.setattr(manifest, "PLACES", (place,))
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "the cache"))
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    arguments = ["--weights", "yolov3-tiny.made-up", "--device", "cpu"]
    with pytest.raises(UserError, match="can't be had offline"):
        evaluate(zoo, [*arguments, "--offline"])
    assert predict(zoo, [str(tmp_path / "a.png"), *arguments, "--no-pictures"]) == 0
    assert "a.png: " in capsys.readouterr().out
    with pytest.raises(UserError, match=r"was not trained here, so it names no data; --data ROOT"):
        evaluate(zoo, [*arguments, "--offline"])


def test_every_model_with_a_definition_was_tried():
    assert {path.stem for path in CFG.glob("*.cfg")} == FLOATS.keys() <= ARCHITECTURES.keys()
