"""`trizoo export --to keras`: files that Keras loads, and of which the zoo itself reads weights and notes alone."""

import io
import json
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest

import trizoo
from trizoo.commands.main import main
from trizoo.data.synthetic import synthesize
from trizoo.deploy.check import matched
from trizoo.deploy.runtimes import read_notes
from trizoo.ground.errors import UserError
from trizoo.tests.exported import (
    MODELS,
    assert_classifier_is_exported,
    assert_same_metrics,
    image,
    write_checkpoint,
)

pytestmark = pytest.mark.skipif("TRIZOO_SLOW" not in os.environ, reason="takes a minute: tox -e keras-slow runs it")

WEIGHTS = "model.weights.h5"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "shapes", images=8, size=(96, 64))


@pytest.fixture(scope="module")
def checkpoint(zoo, tmp_path_factory, data):
    """Makes a checkpoint of a model, with weights made from names: its path."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def make(model, **changes):
        return write_checkpoint(zoo, folder, "keras", model, data, **changes)

    return make


@pytest.fixture(scope="module")
def tiny(checkpoint):
    """A checkpoint of YOLOv3-tiny and its export, made once: two paths."""
    path = checkpoint("yolov3-tiny")
    assert main(["export", str(path), "--to", "keras", "--size", "dynamic"]) == 0
    return path, path.with_suffix(".keras")


@pytest.fixture
def changed(tiny, tmp_path):
    """Writes the export with other members: a path."""

    def make(**members):
        path = tmp_path / "changed.keras"
        with zipfile.ZipFile(tiny[1]) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                content = members.get(name.replace(".", "_"), source.read(name))
                if content is not None:
                    target.writestr(name, content)
        return path

    return make


@pytest.mark.parametrize("model", list(MODELS)[1:])
def test_every_family_is_exported_and_checked(checkpoint, capsys, model):
    path = checkpoint(model)
    assert main(["export", str(path), "--to", "keras"]) == 0
    assert ("boxes equal" if "deeplab" not in model else "mask's pixels equal") in capsys.readouterr().out
    expected = trizoo.load(path, "keras", precision="fp32")(image())
    found = trizoo.load(path.with_suffix(".keras"))(image())
    if "deeplab" in model:
        assert (found == expected).mean() > 0.999
    else:
        assert len(matched(found, expected, 0.99, 1e-5)) == len(found) == len(expected) > 1


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_a_classifier_ends_in_probabilities(zoo, kind, tmp_path, capsys):
    assert_classifier_is_exported(zoo, "keras", "keras", tmp_path, capsys, kind=kind)


def test_keras_loads_it_as_a_model_with_named_outputs(tiny):
    model = keras.saving.load_model(tiny[1])
    images = np.stack([image((160, 96), number) for number in range(2)])
    found = {name: keras.ops.convert_to_numpy(output) for name, output in model(images).items()}
    opened = read_notes(tiny[1]).open()
    assert list(found) == ["boxes", "scores", "labels", "head_p5", "head_p4"]
    for name, output in zip(found, [*opened.boxes(images), *opened.raw(images)], strict=True):
        np.testing.assert_allclose(found[name], output, atol=1e-4 * np.abs(output).max())
    predicted = model.predict(images, batch_size=1, verbose=0)  # a graph, whose batch isn't known on TensorFlow
    for name in ("boxes", "scores", "labels"):
        np.testing.assert_allclose(predicted[name], found[name], atol=1e-3)


def test_one_file_takes_sizes_and_numbers_of_images(tiny):
    before, after = trizoo.load(tiny[0], "keras"), trizoo.load(tiny[1])
    images = [image((64, 200), number) for number in range(3)]
    for found, expected in zip(after(images), before(images), strict=True):
        assert len(matched(found, expected, 0.99, 1e-5)) == len(found) == len(expected) > 1


def test_evaluate_gives_the_same_metrics(tiny, data, tmp_path):
    assert_same_metrics(tiny, "keras", data, tmp_path)


def test_predict_never_asks_keras_to_load(changed, data, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise AssertionError("Keras was asked to load a file")

    monkeypatch.setattr("keras.saving.load_model", refuse)
    path = changed(config_json=b'{"module": "os", "class_name": "system", "config": {"command": "false"}}')
    photos = str(data / "JPEGImages" / "00000*.jpg")
    assert main(["predict", photos, "--weights", str(path), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert "Keras 3" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert sum(len(each["detections"]) for each in found) > 3


@pytest.mark.parametrize("flag", ["--half", "--int8"])
def test_other_precisions_are_refused_before_any_work(flag):
    with pytest.raises(UserError, match=f"{flag} .* leave it out$"):
        main(["export", "missing.h5", "--to", "keras", *([flag, "data"] if flag == "--int8" else [flag])])


def test_a_model_of_somebody_else_is_one_sentence(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(UserError, match=r"other\.keras wasn't written by trizoo export"):
        trizoo.load(path)


def weights_of(path, change):
    """The weights of a file as bytes, changed."""
    with zipfile.ZipFile(path) as archive:
        file = io.BytesIO(archive.read(WEIGHTS))
    with h5py.File(file, "r+") as arrays:
        change(arrays)
    return file.getvalue()


def first_layer(arrays):
    """The group of a layer's variables."""
    found = []
    arrays.visititems(lambda name, item: found.append(item) if name.endswith("conv/vars") else None)
    return found[0]


def compressed(arrays):
    """A variable that takes little space and much memory."""
    group = first_layer(arrays)
    del group["0"]
    group.create_dataset("0", (1 << 15, 1 << 15), "f4", compression="gzip", fillvalue=0)


def renamed(arrays):
    first_layer(arrays).attrs["name"] = "backbone.other"


def linked(arrays):
    group = first_layer(arrays)
    del group["0"]
    group["0"] = h5py.ExternalLink("/etc/passwd", "/")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (compressed, r"changed\.keras does not hold the numbers of .* whole, plain and in itself"),
        (renamed, r"Keras doesn't take .*changed\.keras: arrays don't fit the model in .* names or shapes"),
        (linked, r"changed\.keras has nothing but a link, or nothing, at "),
    ],
)
def test_hostile_weights_end_in_a_sentence(tiny, changed, change, sentence):
    path = changed(model_weights_h5=weights_of(tiny[1], change))
    with pytest.raises(UserError, match=sentence):
        trizoo.load(path)


def test_a_file_without_weights_or_cut_short_is_one_sentence(tiny, changed, tmp_path):
    with pytest.raises(UserError, match=r"changed\.keras has no model\.weights\.h5; exporting it again would do"):
        trizoo.load(changed(model_weights_h5=None))
    path = tmp_path / "short.keras"
    path.write_bytes(tiny[1].read_bytes()[:1000])
    with pytest.raises(UserError, match=r"short\.keras is a damaged zip archive"):
        trizoo.load(path)
