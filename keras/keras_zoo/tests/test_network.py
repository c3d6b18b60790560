"""Networks as Keras models: saved and loaded, named, built from the start, trained by `fit` as by the learner."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_zoo import network, weights
from keras_zoo.families import FAMILIES as OURS
from keras_zoo.families import make_network
from keras_zoo.layers import get_array, named_layers
from keras_zoo.learner import make_optimizer
from keras_zoo.network import pairs
from trizoo.families import ARCHITECTURES, FAMILIES, model_spec, spec_config
from trizoo.families.yolo.spec import ATTENTION
from trizoo.ground.sample import Sample
from trizoo.parity.pseudo import calm, pseudo_arrays, pseudo_batch, pseudo_images, pseudo_mask
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Optimizer
from trizoo.training.batch import Batch
from trizoo.weights.names import load_names

README = Path(__file__).parents[2] / "README.md"
SIZES = {  # (width, height)
    "yolov3-tiny": (96, 64),
    "ssd300-mobilenetv2": (300, 300),
    "retinanet-resnet18": (64, 96),
    "deeplabv3plus-mobilenetv2": (96, 64),
}
BACKENDS = ("tensorflow", "jax", "torch")
NUM_CLASSES = 3
STEPS = 3
LR = 0.001
OWN_ANCHORS = [(5, 6.5), (10, 14), (23, 27), (37, 58), (81, 82), (135, 169)]
NORMALISATION = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}


def make(name, **options):
    """A network with pseudo-weights."""
    made = make_network(model_spec(name, NUM_CLASSES, **options))
    weights.assign(made, calm(pseudo_arrays(weights.shapes(made))))
    return made


def heads(model, images, **options):
    return [ops.convert_to_numpy(head) for head in model(images, **options)]


def assert_close(ours, theirs, tolerance=1e-6):
    for name, one, other in zip(range(len(ours)), ours, theirs, strict=True):
        assert np.abs(one - other).max() <= tolerance * np.abs(one).max(), name


def assert_same_arrays(ours, theirs):
    ours, theirs = (weights.arrays(model) for model in (ours, theirs))
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]), name


def distance(ours, theirs):
    """The root mean square of the difference of two networks' arrays, as a share of the greatest value: the worst."""
    ours, theirs = (weights.arrays(model) for model in (ours, theirs))
    return max(np.sqrt(((ours[name] - theirs[name]) ** 2).mean()) / np.abs(ours[name]).max() for name in ours)


def make_loss(spec):
    return OURS[spec.family].loss(spec, FAMILIES[spec.family].loss())


def make_batches(spec, count=STEPS, size=None):
    """Batches of two drawings, of a number of boxes that grows."""
    size = SIZES[spec.name] if size is None else size
    for step in range(count):
        images, boxes, labels = pseudo_batch(step, 2, size, spec.num_classes, boxes_each=5 + 14 * step)
        masks = [pseudo_mask(*truth, size) for truth in zip(boxes, labels, strict=True)]
        samples = [Sample(*sample) for sample in zip(images, boxes, labels, masks, strict=True)]
        yield Batch(images, spec.targets(samples, size, FAMILIES[spec.family].loss()), ["a", "b"], step)


def make_recipe(spec, **sections):
    return Recipe(classes=("a", "b", "c"), loss=FAMILIES[spec.family].loss(), **sections)


def fit(model, batches, steps=STEPS, **options):
    return model.fit(pairs(batches), steps_per_epoch=steps, shuffle=False, verbose=0, **options).history


@pytest.fixture(scope="module", params=SIZES)
def made(request):
    """A network of each family, and images for it."""
    return make(request.param), pseudo_images(2, SIZES[request.param])


SPECS = [
    *((name, {}) for name in ARCHITECTURES),
    ("yolov3-tiny", {"anchors": OWN_ANCHORS}),
    ("yolov4-tiny", {"anchors": OWN_ANCHORS[1:]}),
    ("yolov3", {"anchors": [(n, n + 0.5) for n in range(1, 10)], "scale_xy": 1.5}),
    ("yolov4", {"scale_xy": 1.05, **NORMALISATION}),
    *(("yolov4-tiny", {"attention": kind}) for kind in ATTENTION),
    ("ssd300-vgg16", {"anchor_preset": "ssd300-caffe"}),
    ("retinanet-resnet50", {"anchor_preset": "keras-retinanet", "norm": "group", "stride_on_1x1": True}),
    ("retinanet-resnet50", {"p6_from_c5": True, **NORMALISATION}),
    ("retinanet-resnet50-v2", {"p6_from_c5": False}),
    ("deeplabv3plus-resnet50", {"output_stride": 8}),
    ("deeplabv3-resnet50", {"output_stride": 16, "mean": np.array([1.5, 2, 3], np.float32)}),
]


@pytest.mark.parametrize(("name", "options"), SPECS)
def test_a_spec_comes_back_from_its_config_in_json(name, options):
    spec = model_spec(name, 7, **options)
    found = model_spec(**json.loads(json.dumps(spec_config(spec))))
    assert found == spec
    assert hash(found) == hash(spec)


def test_a_config_makes_a_network_of_an_equal_spec():
    spec = model_spec("yolov4-tiny", 2, anchors=OWN_ANCHORS[1:], attention="eca", scale_xy=1.2, **NORMALISATION)
    original = make_network(spec)
    for other in (type(original).from_config(original.get_config()), keras.models.clone_model(original)):
        assert type(other) is type(original)
        assert other.spec == spec
        assert weights.shapes(other) == weights.shapes(original)


def test_a_saved_model_is_loaded_with_its_spec_and_gives_equal_heads(made, tmp_path):
    model, images = made
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.spec == model.spec
    assert_same_arrays(model, loaded)
    assert_close(heads(model, images), heads(loaded, images))


def test_saved_weights_are_loaded_into_another_network_of_the_spec(made, tmp_path):
    model, images = made
    model.save_weights(tmp_path / "model.weights.h5")
    other = type(model)(model.spec)
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same_arrays(model, other)
    assert_close(heads(model, images), heads(other, images))


LOAD = """
import sys
import keras, numpy as np
import keras_zoo.families
from keras_zoo import weights

folder = sys.argv[1]
model = keras.saving.load_model(f"{folder}/model.keras")
heads = model(np.load(f"{folder}/images.npy"))
np.savez(f"{folder}/heads.npz", *[keras.ops.convert_to_numpy(head) for head in heads])
np.savez(f"{folder}/arrays.npz", **weights.arrays(model))
print(keras.backend.backend(), type(model.optimizer).__name__, int(model.optimizer.iterations.numpy()))
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_saved_here_is_loaded_by_a_new_process_on_every_backend(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} isn't installed")
    model = make("yolov3-tiny")
    model.compile(keras.optimizers.AdamW(LR), make_loss(model.spec))
    fit(model, make_batches(model.spec, 1), 1)
    model.save(tmp_path / "model.keras")
    images = pseudo_images(2, SIZES["yolov3-tiny"])
    np.save(tmp_path / "images.npy", images)
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-W", "ignore:__array__ implementation:DeprecationWarning", "-c", LOAD]
    run = subprocess.run([*command, tmp_path], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [backend, "AdamW", "1"]
    with np.load(tmp_path / "arrays.npz") as found:
        for name, array in weights.arrays(model).items():
            assert np.array_equal(found[name], array), name
    with np.load(tmp_path / "heads.npz") as found:
        assert_close(heads(model, images), list(found.values()), 1e-6 if backend == keras.backend.backend() else 1e-5)


def test_mixed_precision_is_saved_too(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make("yolov3-tiny")
    finally:
        keras.config.set_dtype_policy("float32")
    images = pseudo_images(2, (64, 64))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert {layer.compute_dtype for _, layer in named_layers(loaded)} == {"bfloat16"}
    assert_close(heads(model, images), heads(loaded, images))
    full = make_network(model.spec)
    weights.assign(full, weights.arrays(model))
    assert not np.array_equal(heads(full, images)[0], heads(model, images)[0])


def test_layers_have_their_variables_and_their_paths_as_names_before_any_call():
    model = make_network(model_spec("retinanet-resnet18", 80))
    layers = dict(named_layers(model))
    assert model.name == "retinanet-resnet18"
    assert model.built
    assert all(layer.built for layer in layers.values())
    assert [layer.name for layer in layers.values()] == list(layers)
    assert len({id(layer) for layer in layers.values()}) == len(layers) == len(model._flatten_layers(False))
    assert {name.rpartition(".")[0] for name in load_names("retinanet-resnet18")} <= layers.keys()
    assert model.get_layer("fpn") is layers["fpn"] is model.fpn
    assert layers["backbone.stages.2.blocks.0.conv1"] is model.backbone.stages[2].blocks[0].conv1


def test_a_summary_has_the_names_of_attributes_and_the_published_count():
    lines = []
    make_network(model_spec("yolov3", 80)).summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    for name, count in (("backbone (Darknet53)", "40,620,640"), ("neck_p5 (FiveConvs)", "")):
        assert name in text
        assert count in text
    assert 'Model: "yolov3"' in text
    assert "Trainable params: 61,949,149 " in text
    assert "Non-trainable params: 52,608 " in text


def test_a_call_in_training_uses_the_batchs_statistics_and_moves_the_stored_ones():
    model, images = make("yolov3-tiny"), pseudo_images(2, (64, 64))
    before = weights.arrays(model)
    stored = heads(model, images)
    assert_close(stored, heads(model, images, training=False), 0.0)
    assert all(np.array_equal(before[name], array) for name, array in weights.arrays(model).items())
    assert not np.allclose(stored[0], heads(model, images, training=True)[0], rtol=0.1)
    for name, array in weights.arrays(model).items():
        assert np.array_equal(before[name], array) == (".running_" not in name), name


def test_a_network_within_another_model_learns_of_training():
    inner = make("yolov3-tiny")
    images = keras.Input((64, 64, 3), dtype="uint8")
    outer = keras.Model(images, inner(images))
    batch = pseudo_images(2, (64, 64))
    assert_close(heads(inner, batch), heads(outer, batch), 0.0)
    assert_close(heads(outer, batch, training=True), heads(inner, batch, training=True), 0.0)


SLOW = pytest.mark.skipif("TRIZOO_SLOW" not in os.environ, reason="takes minutes: tox -e keras-slow runs it")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[SLOW] * (name != "yolov3-tiny")) for name in SIZES])
@pytest.mark.parametrize("optimizer", ["sgd", pytest.param("adam", marks=SLOW)])
def test_fit_takes_the_learners_steps(zoo, name, optimizer):
    # To the last bit on JAX and PyTorch. TensorFlow compiles `fit`'s step for any number of images and boxes, which
    # rounds otherwise; and where a gradient is nearly 0, its sign is a whole step of Adam.
    if optimizer == "adam" and name != "yolov3-tiny":
        pytest.skip("one network shows it")
    section = Optimizer(name=optimizer, weight_decay=0.01, clip_norm=10.0)
    learned, fitted = make(name), make(name)
    learner = zoo.learner(learned, learned.spec, make_recipe(learned.spec, optimizer=section), zoo.device("cpu"))
    terms = [learner.step(batch, LR) for batch in make_batches(learned.spec)]

    chosen = make_optimizer(fitted, section)
    chosen.learning_rate = LR
    fitted.compile(chosen, make_loss(fitted.spec))
    history = fit(fitted, make_batches(fitted.spec))
    assert history.keys() == {"loss", *learner.loss.terms}
    tolerance = {"sgd": 1e-5, "adam": 1e-4}[optimizer] if keras.backend.backend() == "tensorflow" else 1e-6
    for term, values in history.items():
        assert values == [pytest.approx(np.mean([float(step[term]) for step in terms]), rel=tolerance)], term
    assert distance(learned, fitted) < tolerance
    assert distance(make(name), fitted) > 1e-3


def test_evaluate_gives_the_terms_by_stored_statistics_and_changes_nothing():
    model = make("yolov3-tiny")
    model.compile(loss=make_loss(model.spec))
    before = weights.arrays(model)
    (batch,) = make_batches(model.spec, 1)
    found = model.evaluate(pairs([batch]), steps=1, verbose=0, return_dict=True)
    size = SIZES["yolov3-tiny"]
    targets = {name: ops.convert_to_tensor(array) for name, array in batch.targets.items()}
    expected = make_loss(model.spec)(model(batch.images), targets, size)
    assert found.keys() == {"loss", "box", "objectness", "class"}
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(ops.convert_to_numpy(value)), rel=1e-5), name
    assert all(np.array_equal(before[name], array) for name, array in weights.arrays(model).items())


def test_a_keras_optimizer_and_callbacks_train_and_the_saved_best_goes_on_alike(tmp_path):
    model, path = make("yolov3-tiny"), tmp_path / "best.keras"
    loss = OURS["yolo"].loss(model.spec, FAMILIES["yolo"].loss(box="giou", balance=(1, 2, 3)))
    model.compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(LR, 100), weight_decay=0.01), loss)
    callbacks = [
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=1),  # no epoch is so much better
    ]
    batches = [batch for _ in range(3) for batch in make_batches(model.spec)]
    history = fit(model, batches, epochs=3, callbacks=callbacks, validation_data=pairs(batches), validation_steps=1)
    assert len(history["loss"]) == 2  # stopped after the second of three epochs
    assert {"loss", "box", "objectness", "class", "val_loss", "val_box"} <= history.keys()

    model.save(path)
    loaded = keras.saving.load_model(path)
    assert isinstance(loaded.optimizer, keras.optimizers.AdamW)  # PyTorch has its own of it
    assert type(loaded.loss) is type(loss)
    assert loaded.loss.options == loss.options
    assert loaded.loss.spec == loss.spec
    assert get_array(loaded.optimizer.iterations) == 2 * STEPS
    ours, theirs = (fit(each, make_batches(model.spec)) for each in (model, loaded))
    assert ours == theirs
    assert_same_arrays(model, loaded)


@pytest.mark.parametrize("precision", ["fp32", pytest.param("fp16", marks=SLOW)])
def test_a_learners_model_is_saved_with_its_optimizer(zoo, precision, tmp_path):
    model = make("yolov3-tiny")
    recipe = make_recipe(model.spec, precision=precision, optimizer={"name": "adam", "beta2": 0.95})
    learner = zoo.learner(model, model.spec, recipe, zoo.device("cpu"))
    (batch,) = make_batches(model.spec, 1)
    learner.step(batch, LR)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same_arrays(model, loaded)
    inner = loaded.optimizer if precision == "fp32" else loaded.optimizer.inner_optimizer
    assert type(inner) is type(learner.optimizer)
    assert inner.options == recipe.optimizer
    for ours, theirs in zip(learner.optimizer.variables, inner.variables, strict=True):
        assert np.array_equal(get_array(ours), get_array(theirs)), ours.name
    learner.step(batch, LR)
    loaded.train_on_batch(batch.images, batch.targets)
    assert_same_arrays(model, loaded)


def test_a_model_of_a_learner_that_accumulates_is_saved_without_its_training(zoo, tmp_path):
    model = make("yolov3-tiny")
    learner = zoo.learner(model, model.spec, make_recipe(model.spec, schedule={"accumulate": 2}), zoo.device("cpu"))
    learner.step(*make_batches(model.spec, 1), LR)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.compiled
    assert_same_arrays(model, loaded)


def test_a_loss_that_is_compiled_later_leaves_no_metrics_of_the_first():
    model = make("deeplabv3plus-mobilenetv2")
    model.compile(loss=make_loss(model.spec))
    assert [metric.name for metric in model.metrics] == ["loss", "cross_entropy", "dice"]
    model.compile(loss=[keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)])
    assert not {"cross_entropy", "dice"} & {metric.name for metric in model.metrics}
    (batch,) = make_batches(model.spec, 1)
    logits = heads(model, batch.images)[0].astype(np.float64)
    masks = batch.targets["masks"]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    counted = masks != 255
    own = np.take_along_axis(logs, np.where(counted, masks, 0)[..., None].astype(np.int64), axis=-1)[..., 0]
    found = model.evaluate(batch.images, (masks,), batch_size=2, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(-own[counted].mean(), rel=1e-4)


def test_what_a_loss_has_no_place_for_is_refused():
    model = make("yolov3-tiny")
    model.compile(loss=make_loss(model.spec))
    (batch,) = make_batches(model.spec, 1)
    with pytest.raises(ValueError, match=r"sample_weight was given.* None is needed"):
        model.compute_loss(batch.images, batch.targets, model(batch.images), np.ones(2))
    with pytest.raises(ValueError, match=r"loss_weights is 2.0; .* gains for each term among their options"):
        model.compile(loss=make_loss(model.spec), loss_weights=2.0)
    unknown = keras.KerasTensor((2, None, 64, 3), "uint8")
    with pytest.raises(ValueError, match=r"\(2, None, 64, 3\) here; the loss needs to know height and width"):
        model.compute_loss(unknown, batch.targets, model(batch.images))


@pytest.mark.skipif(not README.exists(), reason="keras_zoo is not in its repository")
def test_the_readmes_example_runs(tmp_path, monkeypatch):
    text = README.read_text(encoding="utf-8").split("## Keras alone")[1]
    code = textwrap.dedent("\n".join(line for line in text.splitlines() if line.startswith("    ") or not line.strip()))
    assert code.count("(416, 416)") == code.count("steps_per_epoch=100, epochs=10") == 1
    code = code.replace("(416, 416)", "(64, 64)").replace("steps_per_epoch=100, epochs=10", "steps_per_epoch=2")
    monkeypatch.chdir(tmp_path)
    names = {"my_batches": lambda: (pseudo_batch(step, 2, (64, 64), 3) for step in range(2))}
    exec(code, names)
    assert names["model"].spec == names["spec"]
    assert get_array(names["model"].optimizer.iterations) == 2


def test_pairs_have_arrays_of_numbers_and_differ_in_their_length_first():
    numbers = {"boxes": np.ones((2, 16, 4), np.float32), "positives": np.ones((2, 32), np.int32)}
    targets = {**numbers, "num_positives": np.float32(5)}
    first, second, third = pairs([Batch("images", targets, ["a", "b"], 0), ("images", targets), ("images", targets)])
    assert first[0] == second[0] == third[0] == "images"
    for _, each in (first, third):
        assert {name: array.shape for name, array in each.items()} == {
            "boxes": (2, 16, 4),
            "positives": (2, 32),
            "num_positives": (1,),
        }
    assert np.array_equal(second[1]["boxes"], np.concatenate([np.ones((2, 16, 4)), np.zeros((2, 16, 4))], axis=1))
    assert np.array_equal(second[1]["positives"], [[1] * 32 + [-1] * 32] * 2)
    assert network.FILLERS.keys() == {"boxes", "labels", "positives", "owners"}
