"""The task of embedding: classes of its own in evaluation, what it says, draws and writes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import trizoo
from trizoo.data.photo import Photo
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.show.kinds import KINDS
from trizoo.tasks.embed import Embedder
from trizoo.tasks.embedding import Embedding
from trizoo.training.data import open_data

ARGS = SimpleNamespace(tta=False, tta_scales=None, json=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Shapes whose test images are of other classes than those to train on."""
    root = synthesize(
        tmp_path_factory.mktemp("shapes") / "set", 80, (48, 48), ("bar", "cross", "ring", "star"), kind="classification"
    )
    for name in ("bar", "cross"):
        for split in ("val", "test"):
            for path in (root / split / name).iterdir():
                path.rename(root / "train" / name / path.name)
    for name in ("ring", "star"):
        for path in (root / "train" / name).iterdir():
            path.rename(root / "test" / name / path.name)
    return Data(root=str(root))


def by_class(evaluation):
    """A pipeline that gives images of a class one vector, but for the first, whose is nearer to the other class's."""
    labels = {record.image: record.label for record in evaluation.records}
    first = evaluation.records[0].image

    def pipeline(images):
        for image in images:
            right = np.eye(2, dtype=np.float32)[labels[image]]
            yield np.array([0.6, 0.8], np.float32)[:: 1 if right[0] else -1] if image == first else right

    return pipeline


def test_test_images_have_classes_of_their_own_and_metrics_are_of_pairs(data):
    task, recipe = Embedding(), Recipe(model={"name": "embed-resnet18"}, data=data, loss={"kind": "embedding"})
    recipe, sources = open_data(recipe, lambda line: None)
    assert recipe.classes == ("bar", "cross")
    assert len(sources.unseen[1]) == 0  # no loss on classes that it doesn't know
    evaluation = sources.test
    assert evaluation.classes == ("ring", "star")
    metrics, found = evaluation.measure(by_class(evaluation))
    wrong = 1 / metrics["images"]
    assert metrics["recall_at_1"] == pytest.approx(1 - wrong)
    assert "recall@1" in task.table(metrics)
    assert "mAP@R" in task.table(metrics)
    assert [picture.shape for picture in evaluation.draw(found, 0)] == [(48, 48, 3)] * 2
    *_, worst = KINDS["embedding"].results(evaluation, metrics, found, ())
    assert len(worst.figures) == 1


@pytest.mark.parametrize("name", ["mosaic", "mixup", "cutmix"])
def test_images_made_of_several_are_refused(data, name):
    augment = [{"op": "mosaic"}, {"op": "random_placement"}, {"op": name}]
    recipe = Recipe(model={"name": "embed-resnet18"}, augment=augment[name == "cutmix" :])
    with pytest.raises(UserError, match=r"augment has \w+, which makes .* embed-resnet18 learns one class an image;"):
        Embedding().remarks(recipe, None)


def test_one_class_alone_in_the_split_to_train_on_is_told_beside_those_of_the_whole_set(data):
    listing = Embedding().find(data)
    rows = listing.rows_of["train"][listing.labels[listing.rows_of["train"]] == 0]
    one = replace(listing, rows_of={"train": rows})
    with pytest.raises(UserError) as error:
        Embedding().open(one, data, "train", ())
    assert str(error.value) == (
        f"the split train of {data.root} has the class bar alone, of the whole set's bar, cross, ring, star; "
        f"two or more are needed to tell apart"
    )


def test_a_class_with_one_image_is_told(data, tmp_path):
    listing = Embedding().find(data)
    lone = tmp_path / "val.txt"
    ids = listing.splits["test"]
    rings = [id for id in ids if "ring" in id][:2]
    star = next(id for id in ids if "star" in id)
    lone.write_text("".join(f"{id}.jpg\t{id.split('/')[1]}\n" for id in (*rings, star)), encoding="utf-8")
    of_list = Data(root=data.root, annotations=str(lone))
    listing = Embedding().find(of_list)
    evaluation = Embedding().evaluation_set(listing, Recipe(data=of_list, classes=("bar",)), "val")
    assert evaluation.notes[-1] == "1 of 2 classes have one image in val, which isn't looked for"


def test_vectors_have_length_1_also_of_both_sides():
    def predict(images):
        flat = np.stack([images[:, 0, 0, 0], images[:, 0, -1, 0]], axis=1).astype(np.float32)
        return [flat / np.linalg.norm(flat, axis=1, keepdims=True), flat]

    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 0] = 7
    pipeline = Embedder(predict=predict, spec=model_spec("embed-resnet18", 2), input_size=(32, 32), resize="stretch")
    assert next(iter(pipeline([image]))).tolist() == [1, 0]
    (both,) = Embedding().as_used(pipeline, SimpleNamespace(tta=True, tta_scales=None))([image])
    assert both == pytest.approx([0.5**0.5] * 2)
    with pytest.raises(UserError, match="--tta-scales is for detection and segmentation and embed-resnet18 gives"):
        Embedding().as_used(pipeline, SimpleNamespace(tta=False, tta_scales=(1.5,)))


def test_results_are_the_numbers_of_the_vector():
    task, photo = Embedding(), Photo.of(np.zeros((40, 60, 3), np.uint8))
    found = np.array([0.6, -0.8, 0, 0, 0], np.float32)
    result = task.result(photo, found, None, ARGS)
    assert result["vector"] == [0.6, -0.8, 0, 0, 0]
    assert task.lists(None, ARGS)["vectors"](result, 0) == [result]
    assert task.line(photo, found, result, None, ARGS).endswith("a vector of 5 numbers, 0.600, -0.800, 0.000, 0.000, …")
    total = task.total(None, ARGS)
    total.add(result)
    assert total.text() == "1 image"
    assert (task.draw(photo, found, None, ARGS) == photo.pixels()).all()
    assert Embedding.predictor_class is trizoo.Embedder
