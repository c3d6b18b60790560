"""The task of classification: what it refuses, says, draws and writes."""

from types import SimpleNamespace

import numpy as np
import pytest

import trizoo
from trizoo.augment.pipeline import augment, generator
from trizoo.data.photo import Photo
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Sample
from trizoo.pictures.draw_class import draw_class
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.show.kinds import KINDS
from trizoo.tasks.classification import Classification
from trizoo.tasks.classify import Classifier, ranked
from trizoo.tasks.found import Classified
from trizoo.training.batch import batch_plan
from trizoo.training.dataset import TrainingSet

CLASSES = ("ring", "star")
ARGS = SimpleNamespace(tta=False, tta_scales=None, json=True, top=None, hide_labels=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = synthesize(tmp_path_factory.mktemp("shapes") / "set", 40, (48, 48), CLASSES, kind="classification")
    return Data(root=str(root))


def right_for(evaluation):
    """A pipeline that is right of each image of an evaluation set but the first."""
    answers = {record.image: record.label for record in evaluation.records}
    first = evaluation.records[0].image

    def pipeline(images):
        for image in images:
            yield np.array([0.2, 0.8] if (answers[image] == 1) != (image == first) else [0.8, 0.2], np.float32)

    return pipeline


def test_an_evaluation_set_measures_draws_and_shows_the_worst(data):
    task = Classification()
    evaluation = task.evaluation_set(task.find(data), Recipe(data=data, classes=CLASSES), "test")
    metrics, found = evaluation.measure(right_for(evaluation))
    assert (metrics["images"], metrics["top1"]) == (6, 5 / 6)
    assert "calibration error" in task.table(metrics)
    truth, prediction = evaluation.draw(found, 0)
    assert truth.shape == prediction.shape == (48, 48, 3)
    assert (truth != prediction).any()
    *_, worst = KINDS["classification"].results(evaluation, metrics, found, ())
    assert len(worst.figures) == 1
    halves = [
        evaluation.only(places, "half").measure(right_for(evaluation))[0]["top1"] for places in ([0, 1], [2, 3, 4, 5])
    ]
    assert halves == [1 / 2, 1]


def test_one_class_and_mosaics_are_refused(data, tmp_path):
    task = Classification()
    listing = task.find(data)
    lone = tmp_path / "train.txt"
    lone.write_text("".join(f"{id}.jpg\tring\n" for id in listing.splits["train"]), encoding="utf-8")
    of_list = Data(root=data.root, annotations=str(lone))
    with pytest.raises(UserError, match="has the class ring alone; two or more are needed"):
        task.open(task.find(of_list), of_list, "train", ())
    sources = SimpleNamespace(training=listing.open("train"), members=[0])
    recipe = Recipe(classes=CLASSES, augment=[{"op": "mosaic"}, {"op": "random_placement"}])
    with pytest.raises(UserError, match=r"has mosaic, which makes one image of several, and .* by mixup and cutmix;"):
        task.remarks(recipe, sources)
    assert task.remarks(Recipe(classes=CLASSES), sources) == ["no image to train on is of the class star"]


def test_the_class_stays_through_augmentation():
    sample = Sample(
        np.zeros((30, 50, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64), shares={3: 1.0}
    )
    operations = [{"op": name} for name in ("random_placement", "flip", "rotate", "hsv", "rand_augment", "cutout")]
    assert augment(sample, operations, (32, 32), generator(0, 0, 0)).shares == {3: 1.0}


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_training_sees_blends_with_the_shares_of_their_classes_and_the_same_ones_again(data, name):
    blend = {"op": name, "probability": 1, "alpha": 1} | ({"only_mosaic": False} if name == "mixup" else {})
    recipe = Recipe(
        model={"name": "classify-resnet18"},
        classes=CLASSES,
        input_size=(32, 32),
        augment=[{"op": "random_placement"}, blend],
        loss={"kind": "classification"},
    )
    task = Classification()
    training = TrainingSet(
        task.find(data).open("train"), range(16), recipe, model_spec("classify-resnet18", len(CLASSES))
    )
    batch, again = (training(batch_plan(0, 0, 0, 16, 16, seed=0)) for _ in range(2))
    shares = batch.targets["shares"]
    assert shares.sum(axis=1) == pytest.approx(np.ones(16))
    assert ((shares > 0) & (shares < 1)).any()
    assert np.array_equal(again.targets["shares"], shares)
    assert np.array_equal(again.images, batch.images)
    late = training(batch_plan(0, 0, 0, 16, 16, seed=0, progress=0.7))
    assert set(late.targets["shares"].ravel()) == {0, 1}


def test_logits_become_shares_and_mirrored_images_are_averaged():
    def predict(images):
        return [np.stack([images[:, 0, 0, 0], images[:, 0, -1, 0]], axis=1).astype(np.float32)]

    spec = model_spec("classify-resnet18", 2)
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 0] = 2
    pipeline = Classifier(predict=predict, spec=spec, input_size=(32, 32), resize="stretch")
    (found,) = pipeline([image])
    assert found == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])
    (both,) = Classification().as_used(pipeline, SimpleNamespace(tta=True, tta_scales=None))([image])
    assert both == pytest.approx([0.5, 0.5])
    with pytest.raises(UserError, match="--tta-scales is for detection and segmentation and classify-resnet18 does"):
        Classification().as_used(pipeline, SimpleNamespace(tta=False, tta_scales=(1.5,)))
    with pytest.raises(UserError, match="gives classes of whole images, so it has no heat map"):
        spec.heat([found], (32, 32))


def test_results_name_the_likeliest_classes_first():
    task, photo = Classification(), Photo.of(np.zeros((40, 60, 3), np.uint8))
    recipe, found = Recipe(classes=tuple("abcdefg")), np.array([0.0, 0.1, 0.05, 0.6, 0.1, 0.05, 0.1], np.float32)
    result = task.result(photo, found, recipe, ARGS)
    assert [one["class"] for one in result["classes"]] == ["d", "b", "e", "g", "c"]
    assert result["classes"][0] == {"class": "d", "label": 3, "probability": 0.6}
    assert task.line(photo, found, result, recipe, ARGS).endswith("d 60.0 %, b 10.0 %, e 10.0 %, g 10.0 %, c 5.0 %")
    fewer = task.result(photo, found, recipe, SimpleNamespace(**{**vars(ARGS), "top": 2}))
    assert [one["class"] for one in fewer["classes"]] == ["d", "b"]
    total = task.total(recipe, ARGS)
    total.add(result)
    assert total.text() == "1 image: 1 d"
    picture = task.draw(photo, found, recipe, ARGS)
    assert (picture == draw_class(photo.pixels(), 3, recipe.classes, 0.6)).all()
    assert not (picture == photo.pixels()).all()


def test_a_program_gets_names_and_scores():
    scores = np.array([0.2, 0.7, 0.1], np.float32)
    order = ranked(scores)
    found = Classified(order, scores[order], ("a", "b", "c"))
    assert (found.names, found.name, found.score) == (["b", "a", "c"], "b", pytest.approx(0.7))
    assert found.draw(np.zeros((40, 60, 3), np.uint8)).any()
    assert Classification.predictor_class is trizoo.Classifier
