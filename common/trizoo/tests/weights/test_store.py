import hashlib
import shutil
import sys
from functools import partial

import numpy as np
import pytest

from trizoo.commands.main import run
from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.weights.importers import published
from trizoo.weights import store
from trizoo.weights.checkpoint import load
from trizoo.weights.importers import darknet
from trizoo.weights.readers import safetensors

main = partial(run, "weights", prog="trizoo weights")


def test_a_path_that_exists_is_returned_as_it_is(tmp_path, entries, small):
    entries(pets__coco=(small, {}))
    path = tmp_path / "pets.coco"
    path.write_bytes(b"")
    assert store.resolve_weights(str(path)) == path


def test_an_empty_name_is_told_so():
    with pytest.raises(UserError, match="the name of the weights is empty"):
        store.resolve_weights("")


def test_a_tag_is_downloaded_converted_and_kept(entries, home, tiny):
    path, floats = tiny
    entries(yolov3_tiny__pets=(path, {}))
    said = []
    found = store.resolve_weights("yolov3-tiny.pets", report=said.append)
    assert found.parent == home / "weights" / "yolov3-tiny.pets"
    assert said == ["yolov3-tiny.pets: converting tiny.weights"]
    checkpoint = load(found)
    wanted = darknet.import_floats(floats, "yolov3-tiny", 2).arrays
    assert checkpoint.model.keys() == wanted.keys()
    assert all(np.array_equal(checkpoint.model[name], wanted[name]) for name in wanted)
    recipe = from_dict(Recipe, checkpoint.recipe, "here")
    assert (recipe.model.name, recipe.classes, recipe.input_size) == ("yolov3-tiny", ("cat", "dog"), (320, 224))
    assert checkpoint.state["origin"] == {
        "file": "tiny.weights",
        "tag": "yolov3-tiny.pets",
        "part": "model",
        "licence": "do as you like",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    written = found.stat().st_mtime_ns
    assert store.resolve_weights("yolov3-tiny.pets", offline=True, report=said.append) == found
    assert found.stat().st_mtime_ns == written
    assert len(said) == 1


def test_an_address_is_downloaded_converted_and_kept(home, tiny, tmp_path):
    path, floats = tmp_path / "tiny.weights", tiny[1]
    shutil.copyfile(tiny[0], path)  # since it changes below
    said = []
    found = store.resolve_weights(path.as_uri(), report=said.append)
    assert found.parent.parent == home / "weights"
    assert said[-1] == f"{path.as_uri()}: converting tiny.weights"
    wanted = darknet.import_floats(floats, "yolov3-tiny", 2).arrays
    checkpoint = load(found)
    assert all(np.array_equal(checkpoint.model[name], wanted[name]) for name in wanted)
    assert checkpoint.state["origin"]["url"] == path.as_uri()
    assert store.resolve_weights(path.as_uri(), offline=True) == found
    assert store.resolve_weights(found.as_uri()).name == found.name  # a checkpoint is used as it is
    # what the first download had is noted, so that another file is refused
    assert hashlib.sha256(path.read_bytes()).hexdigest() in (home / "trizoo.lock").read_text()
    (found.parent / "tiny.weights").unlink()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match="sha256"):
        store.resolve_weights(path.as_uri(), report=said.append)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hf://timm/resnet50/model.safetensors", "https://huggingface.co/timm/resnet50/resolve/main/model.safetensors"),
        ("hf://a-b/c.d@v2/sub/x.pth", "https://huggingface.co/a-b/c.d/resolve/v2/sub/x.pth"),
    ],
)
def test_addresses_of_hugging_face_are_spelled_out(monkeypatch, text, url):
    def fetch(file, *_, **__):
        raise UserError(f"{file.urls[0]} {file.name}")

    monkeypatch.setattr(store, "fetch", fetch)
    with pytest.raises(UserError, match=f"^{url} {url.rsplit('/', 1)[1]}$"):
        store.resolve_weights(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [("hf://timm/resnet50", "hf://OWNER/REPOSITORY/FILE is needed"), ("https://a.b/", "names no file")],
)
def test_addresses_of_no_file_are_refused(text, words):
    with pytest.raises(UserError, match=words):
        store.resolve_weights(text)


def test_a_downloaded_tag_is_converted_offline(entries, tiny):
    entries(yolov3_tiny__pets=(tiny[0], {}))
    store.download("yolov3-tiny.pets")
    assert store.resolve_weights("yolov3-tiny.pets", offline=True, report=lambda _: None).exists()


def test_offline_without_the_file_is_a_sentence(entries, tiny):
    entries(yolov3_tiny__pets=(tiny[0], {}))
    with pytest.raises(UserError, match="can't be had offline"):
        store.resolve_weights("yolov3-tiny.pets", offline=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("yolo3-tiny.pets", r"neither a file nor a tag \(did you mean yolov3-tiny\.pets\?\)"),
        ("mobilenet", r"neither a file nor a tag; trizoo weights list"),
        ("best.h5", r"there is no file best\.h5"),
        ("runs/yolov3-tiny.pets", r"there is no file runs/yolov3-tiny\.pets"),
    ],
)
def test_what_is_neither_file_nor_tag_is_a_sentence(entries, small, text, sentence):
    entries(yolov3_tiny__pets=(small, {}))
    with pytest.raises(UserError, match=sentence):
        store.resolve_weights(text)


def test_a_model_that_the_zoo_has_not_is_told_before_the_download(entries, home, small):
    entries(yolov9__pets=(small, {"model": "yolov9"}))
    with pytest.raises(UserError, match=r"for yolov9, which the zoo doesn't have yet.*models it has: yolov3, "):
        store.resolve_weights("yolov9.pets")
    assert not home.exists()
    assert store.download("yolov9.pets").read_bytes() == b"small"


def test_wrong_bytes_are_never_converted(entries, home, small):
    entries(yolov3_tiny__pets=(small, {"sha256": "0" * 64}))
    with pytest.raises(UserError, match="can't be downloaded"):
        store.resolve_weights("yolov3-tiny.pets", report=lambda _: None)
    assert [path.name for path in home.rglob("*") if path.is_file() and not path.name.startswith(".")] == []


def test_a_wrong_number_of_classes_is_a_sentence(entries, tiny, tmp_path):
    entries(yolov3_tiny__pets=(tiny[0], {"classes": "two"}))
    source = store.download("yolov3-tiny.pets")
    with pytest.raises(UserError, match="for 2 classes and 3 names were given"):
        store.convert(source, tmp_path / "out.h5", classes=["a", "b", "c"])


def test_normalisation_goes_into_the_recipe_in_the_order_of_rgb(entries, tiny, tmp_path):
    entries(yolov3_tiny__pets=(tiny[0], {"normalisation": "bgr"}))
    recipe = load(store.resolve_weights("yolov3-tiny.pets", report=lambda _: None)).recipe
    # (pixel / 2 - mean) / std = (pixel - 2 mean) / (2 std), blue's values first in the manifest
    assert recipe["model"]["mean"] == [6, 4, 2]
    assert recipe["model"]["std"] == [12, 10, 8]


def test_the_cache_folder_is_the_named_one_or_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "甲"))
    assert store.folder("a.b") == tmp_path / "甲" / "weights" / "a.b"
    monkeypatch.setenv("TRIZOO_HOME", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "trizoo" in str(store.home())


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """A made-up mobilenet_v2 of torchvision's, 14 MB."""
    path = tmp_path_factory.mktemp("mirror") / "mobilenet.safetensors"
    safetensors.write(path, published.filled(published.mobilenet_v2()))
    return path


BACKBONE = {"part": "backbone", "classes": "null", "num_classes": 1000, "normalisation": "bgr"}


def test_a_backbone_s_tag_is_for_every_model_with_that_backbone(entries, home, mobilenet):
    entries(mobilenetv2__imagenet=(mobilenet, {"model": "mobilenetv2", **BACKBONE}))
    said = []
    found = store.resolve_weights("mobilenetv2.imagenet", model="ssd300-mobilenetv2", report=said.append)
    assert found.parent == home / "weights" / "mobilenetv2.imagenet"
    assert found.name.startswith("mobilenetv2.imagenet-ssd300-mobilenetv2-")
    checkpoint = load(found)
    assert checkpoint.is_backbone
    assert checkpoint.recipe["input_size"] == [300, 300]  # the model's, not what the classifier was trained at
    assert checkpoint.recipe["model"]["mean"] == [6, 4, 2]  # the manifest's word is above the importer's
    entry = store.load_manifest().weights["mobilenetv2.imagenet"]
    assert store.state("mobilenetv2.imagenet", entry) == "converted"


def test_a_backbone_of_several_models_needs_one_of_them(entries, small):
    entries(resnet50__imagenet=(small, {"model": "resnet50", **BACKBONE}))
    entry = store.load_manifest().weights["resnet50.imagenet"]
    models = store.models_of(entry)
    assert {"retinanet-resnet50", "retinanet-resnet50-v2"} <= set(models)
    assert "retinanet-resnet18" not in models
    with pytest.raises(UserError, match=r"is the backbone of retinanet-resnet50, .*--model says for which"):
        store.resolve_weights("resnet50.imagenet")
    with pytest.raises(UserError, match=r"is no backbone of yolov3; retinanet-resnet50, .* would do"):
        store.resolve_weights("resnet50.imagenet", model="yolov3")
    assert store.model_for("resnet50.imagenet", entry, "retinanet-resnet50-v2") == "retinanet-resnet50-v2"


def test_a_tag_with_classes_is_the_classifier_unless_another_model_is_wanted(entries, home, mobilenet):
    manifest = store.load_manifest()
    real = manifest.weights["mobilenetv2.imagenet"]
    assert (real.classes, real.part) == ("imagenet1000", "backbone")
    assert store.model_for("mobilenetv2.imagenet", real) == "classify-mobilenetv2"
    assert store.model_for("mobilenetv2.imagenet", real, "ssd300-mobilenetv2") == "ssd300-mobilenetv2"
    for model, count in (("classify-mobilenetv2", 1000), ("ssd300-mobilenetv2", 0)):
        out = home.parent / f"{model}.h5"
        store.convert_tag("mobilenetv2.imagenet", mobilenet, out, manifest, model)
        checkpoint = load(out)
        assert len(checkpoint.recipe["classes"]) == count
        assert checkpoint.is_backbone == (count == 0)
    assert load(home.parent / "classify-mobilenetv2.h5").recipe["classes"][0] == "tench"


def test_every_entry_has_a_model(home):
    """But Keras's Xception, which is another network than ours."""
    entries = store.load_manifest().weights.values()
    assert {entry.model for entry in entries if not store.models_of(entry)} == {"xception"}


def test_without_tensorflow_a_checkpoint_of_it_is_a_sentence_before_any_download(home, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    words = r"voc is a checkpoint of TensorFlow's, which only TensorFlow can read; pip install tensorflow, "
    with pytest.raises(UserError, match=words):
        store.resolve_weights("deeplabv3-mobilenetv2.voc", offline=True)
    with pytest.raises(UserError, match=words):
        main(["convert", "deeplabv3-mobilenetv2.voc", "--offline", "--out", str(tmp_path / "a.h5")])
    assert not home.exists()


def test_what_was_converted_before_needs_no_tensorflow(home, monkeypatch):
    tag = "deeplabv3-mobilenetv2.voc"
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    converted = store.converted_path(tag, store.load_manifest().weights[tag], "deeplabv3-mobilenetv2")
    converted.parent.mkdir(parents=True)
    converted.write_bytes(b"")
    assert store.resolve_weights(tag, offline=True) == converted
