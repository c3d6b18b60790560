"""The task of multi-label classification: what it measures, says, draws and writes."""

from types import SimpleNamespace

import numpy as np
import pytest

import trizoo
from trizoo.data.photo import Photo
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.pictures.draw_class import draw_classes
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.show.kinds import KINDS
from trizoo.tasks.classify import Classifier, above
from trizoo.tasks.found import Labelled
from trizoo.tasks.multilabel import Multilabel
from trizoo.training.data import open_data

ARGS = SimpleNamespace(confidence=None, json=True, hide_labels=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = synthesize(tmp_path_factory.mktemp("shapes") / "set", 40, (48, 48), ("ring", "star"), kind="multilabel")
    return Data(root=str(root))


def right_for(evaluation):
    """A pipeline that is right of each image of an evaluation set but the first."""
    answers = {record.image: record.labels for record in evaluation.records}
    first = evaluation.records[0].image

    def pipeline(images):
        for image in images:
            right = np.isin([0, 1], answers[image])
            yield np.where(right != (image == first), 0.8, 0.1).astype(np.float32)

    return pipeline


def test_an_evaluation_set_measures_draws_and_shows_the_worst(data):
    task, recipe = Multilabel(), Recipe(model={"name": "multilabel-resnet18"}, data=data, loss={"kind": "multilabel"})
    recipe, sources = open_data(recipe, lambda line: None)
    assert recipe.classes == ("ring", "star")
    metrics, found = sources.test.measure(right_for(sources.test))
    assert metrics["score"] == recipe.predict.score == sources.test.score
    assert (metrics["images"], metrics["all_right"]) == (6, 5 / 6)
    assert "all right 0.83" in task.table(metrics)
    assert [picture.shape for picture in sources.test.draw(found, 0)] == [(48, 48, 3)] * 2
    *_, worst = KINDS["multilabel"].results(sources.test, metrics, found, ())
    assert len(worst.figures) == 1
    perfect, found = sources.test.only([1, 2], "some").measure(right_for(sources.test))
    assert perfect["all_right"] == 1
    *_, worst = KINDS["multilabel"].results(sources.test.only([1, 2], "some"), perfect, found, ())
    assert not worst.figures


def test_mosaics_are_refused(data):
    recipe = Recipe(model={"name": "multilabel-resnet18"}, augment=[{"op": "mosaic"}, {"op": "random_placement"}])
    with pytest.raises(UserError, match="augment has mosaic, which makes one image of several"):
        Multilabel().remarks(recipe, None)


def test_batches_of_images_of_one_class_are_refused():
    recipe = Recipe(model={"name": "multilabel-resnet18"}, data={"per_class": 2})
    with pytest.raises(UserError, match=r"data.per_class is 2, .* any number of labels; leave it out"):
        Multilabel().remarks(recipe, None)


def test_each_class_is_as_likely_as_its_sigmoid_says():
    def predict(images):
        return [np.stack([images[:, 0, 0, 0], images[:, 0, -1, 0]], axis=1).astype(np.float32)]

    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 0] = 2
    spec = model_spec("multilabel-resnet18", 2)
    (found,) = Classifier(predict=predict, spec=spec, input_size=(32, 32), resize="stretch")([image])
    assert found == pytest.approx([1 / (1 + np.exp(-2)), 0.5])


def test_results_name_the_labels_above_the_score():
    task, photo = Multilabel(), Photo.of(np.zeros((40, 60, 3), np.uint8))
    recipe, found = Recipe(classes=tuple("abcd")), np.array([0.6, 0.1, 0.9, 0.3], np.float32)
    assert above(found, 0.3) == [2, 0, 3]
    result = task.result(photo, found, recipe, ARGS)
    assert [one["class"] for one in result["classes"]] == ["c", "a"]
    assert result["classes"][0] == {"class": "c", "label": 2, "probability": 0.9}
    assert task.line(photo, found, result, recipe, ARGS).endswith("c 90.0 %, a 60.0 %")
    strict = SimpleNamespace(confidence=0.95, hide_labels=False)
    none = task.result(photo, found, recipe, strict)
    assert none["classes"] == []
    assert task.line(photo, found, none, recipe, strict).endswith("no label above 0.95; the likeliest is c 90.0 %")
    total = task.total(recipe, ARGS)
    assert total.text() == "0 images: no label"
    total.add(result)
    assert total.text() == "1 image: 1 a, 1 c"
    drawn = draw_classes(photo.pixels(), [2, 0], recipe.classes, found[[2, 0]].tolist())
    assert (task.draw(photo, found, recipe, ARGS) == drawn).all()
    assert (task.draw(photo, found, recipe, strict) == photo.pixels()).all()


def test_a_program_gets_names_and_scores():
    scores = np.array([0.2, 0.7, 0.6], np.float32)
    found = Labelled(np.array([1, 2]), scores[[1, 2]], ("a", "b", "c"), scores)
    assert found.names == ["b", "c"]
    assert found.draw(np.zeros((60, 60, 3), np.uint8)).any()
    assert Multilabel.predictor_class is trizoo.MultilabelClassifier
