"""`trizoo.load` and `trizoo.train` on the framework, and what README says of them, run as it stands there."""

import numpy as np
import pytest
from PIL import Image

import trizoo
from trizoo import api
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import load as load_recipe
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.pages import code_blocks
from trizoo.weights.checkpoint import Checkpoint, save
from trizoo.weights.initial import initial_arrays

CLASSES = ("circle", "square", "triangle")
OPTIONS = {"input_size": [64, 64], "classes": list(CLASSES)}


def write_checkpoint(zoo, path, model):
    """A checkpoint with weights that find something: pseudo-weights, and a score threshold of 0.001."""
    overrides = [("model.name", model, "test"), *((key, value, "test") for key, value in OPTIONS.items())]
    recipe = load_recipe(Recipe, base=model, overrides=[*overrides, ("predict.score", 0.001, "test")]).recipe
    spec = model_spec(model, len(CLASSES), mean=recipe.model.mean, std=recipe.model.std)
    shapes = zoo.shapes(zoo.build(spec, zoo.device("cpu"), seed=None))
    save(path, Checkpoint(pseudo_arrays(shapes), to_dict(recipe), "test"))
    return path


@pytest.fixture(scope="module")
def folder(zoo, tmp_path_factory):
    """What README's example speaks of: best.h5, photo.jpg, photos; and a segmentation model's masks.h5."""
    folder = tmp_path_factory.mktemp("door")
    write_checkpoint(zoo, folder / "best.h5", "yolov3-tiny")
    write_checkpoint(zoo, folder / "masks.h5", "deeplabv3plus-mobilenetv2")
    synthesize(folder / "photos", images=10, size=(64, 64))
    image = next((folder / "photos" / "JPEGImages").iterdir())
    Image.open(image).convert("RGB").save(folder / "photo.jpg", quality=95)
    return folder


@pytest.fixture
def here(zoo, folder, monkeypatch):
    """The folder, with this framework alone."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(api, "require_installed", lambda: [zoo.name])
    return folder


def test_the_readmes_python_example_runs(here, capsys):
    (example,) = code_blocks("README.md", "## From Python")
    seen = {}
    exec(compile(example, "README.md", "exec"), seen)  # the project's own text
    assert len(seen["found"]) == len(seen["found"].names) > 0
    assert seen["picture"].shape == (64, 64, 3)
    assert seen["run"].best.is_file()
    assert 0 <= seen["run"].metrics["mAP50"] <= 1
    assert "'epoch': 2" in capsys.readouterr().out


def test_paths_arrays_and_pictures_are_the_same_image(here):
    detector = trizoo.load("best.h5", device="cpu")
    picture = Image.open("photo.jpg")
    expected = detector("photo.jpg")
    assert len(expected) > 0
    for found in detector([np.array(picture), picture]):
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
        np.testing.assert_array_equal(found.labels, expected.labels)
        assert found.names == [CLASSES[label] for label in found.labels]
    grey = detector(np.array(picture.convert("L")))
    assert isinstance(grey, trizoo.Detections)


def test_a_call_may_ask_for_another_confidence(here):
    detector = trizoo.load("best.h5")
    everything = detector("photo.jpg")
    middle = float(np.median(everything.scores))
    strong = detector("photo.jpg", confidence=middle)
    assert 0 < len(strong) < len(everything)
    assert strong.scores.min() >= np.float32(middle)


def test_an_image_has_one_answer_whatever_else_is_in_its_batch(zoo, tmp_path, monkeypatch):
    """Canvases of RetinaNet are the images' own, so that wide and high ones in one batch differ in size."""
    monkeypatch.setattr(api, "require_installed", lambda: [zoo.name])
    detector = trizoo.load(write_checkpoint(zoo, tmp_path / "retina.h5", "retinanet-resnet18"), device="cpu")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((64, 30), (30, 64), (64, 30), (64, 64))]
    together = detector(images, batch_size=4)
    for image, found in zip(images, together, strict=True):
        alone = detector(image)
        assert len(alone) > 0
        np.testing.assert_array_equal(found.labels, alone.labels)
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=1e-2)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)


def test_a_segmentation_model_gives_a_mask_of_the_images_size(here):
    segmenter = trizoo.load("masks.h5")
    mask = segmenter("photo.jpg")
    assert (mask.shape, mask.dtype) == ((64, 64), np.uint8)
    assert mask.max() < len(CLASSES)
    assert segmenter.draw("photo.jpg", mask).shape == (64, 64, 3)


@pytest.mark.parametrize("weights", ["best.h5", "masks.h5"])
def test_a_heat_map_has_the_size_of_its_image(here, weights):
    heat = trizoo.load(weights).heatmap(np.zeros((30, 40, 3), np.uint8))
    assert heat.shape == (30, 40)
    assert 0 <= heat.min() < heat.max() <= 1


def test_build_fills_initial_weights_by_name(zoo):
    spec = model_spec("yolov3-tiny", 2)
    arrays = zoo.arrays(zoo.build(spec, zoo.device("cpu"), seed=3))
    expected = initial_arrays({name: array.shape for name, array in arrays.items()}, 3, spec)
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[name], expected[name]) for name in arrays)
    assert arrays["head_p5.predict.weight"].any()


def test_what_a_callback_measures_stands_in_the_log(here, tmp_path):
    seen = []

    class Boxes(trizoo.Callback):
        def on_evaluation(self, trainer, metrics, found):
            return {"boxes": sum(map(len, found))}

        def on_epoch(self, trainer, record):
            seen.append(record)

    run = trizoo.train(
        {"data.root": "photos", "schedule.iterations": 2, "schedule.batch_size": 2, "input_size": [64, 64]},
        workers=0,
        quiet=True,
        out=tmp_path / "run",
        callbacks=[Boxes()],
        say=lambda line: None,
    )
    assert run.step == 2
    assert isinstance(seen[-1]["boxes"], int)
