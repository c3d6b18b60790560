"""COCO's results, read by pycocotools against the data set's own file."""

import contextlib
import io
import json
from argparse import Namespace

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.recipes.schema import Recipe
from trizoo.tasks import tasks
from trizoo.tests.coco_files import box_entry, draw, write_coco
from trizoo.tests.voc_files import add, thing

CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 7, "name": "cat"}, {"id": 90, "name": "emu"}]
DETECTION = tasks()["detection"]


@pytest.fixture
def coco(tmp_path):
    """A data set in COCO layout whose ids have gaps, come in no order, and don't agree with the file's order."""
    rng = np.random.default_rng(5)
    names = [f"images/{name}.jpg" for name in ("f", "b", "e", "a", "d", "c")]
    draw(tmp_path, *names)
    images = [{"id": 1000 - 13 * number, "file_name": name} for number, name in enumerate(names)]
    annotations = []
    for number in range(30):
        x, y = (rng.uniform(0, (50, 20))).round(2).tolist()
        side = rng.uniform(4, 20, 2).round(2).tolist()
        image, category = images[number % 5]["id"], CATEGORIES[number % 3]["id"]
        annotations.append(box_entry(number + 1, image, category, [x, y, *side], iscrowd=int(number % 11 == 10)))
    return tmp_path, write_coco(tmp_path / "instances_val.json", images, annotations, CATEGORIES)


def invent(records, classes, seed=1):
    """Detections near the truth, some of a wrong class, some of nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for record in records:
        boxes = np.concatenate([record.boxes + rng.normal(0, 1.5, record.boxes.shape), [[1, 2, 30, 20], [5, 5, 9, 9]]])
        labels = np.concatenate([record.labels, [0, 1]])
        labels[:1] = rng.integers(0, len(classes), 1)
        scores = -np.sort(-rng.random(len(boxes)))
        found.append(Detections(boxes.astype(np.float32), scores.astype(np.float32), labels.astype(np.int64)))
    return found


def measured(root, classes, seed=1):
    """An evaluation set, detections, and the zoo's metrics of them."""
    recipe = Recipe(data={"root": str(root)}, classes=classes)
    listing = DETECTION.find(recipe.data)
    split = "val" if "val" in listing.splits else None
    evaluation = DETECTION.evaluation_set(listing, recipe, split)
    found = invent(evaluation.records, classes, seed)
    metrics, _ = evaluation.measure(lambda paths: found)
    return recipe, evaluation, found, metrics


@pytest.mark.parametrize("seed", range(3))
def test_pycocotools_finds_the_same_map_in_them(coco, tmp_path, seed):
    root, path = coco
    recipe, evaluation, found, metrics = measured(root, ("dog", "cat", "emu"), seed)
    out = tmp_path / "out" / "results.json"
    assert DETECTION.write_results(evaluation, found, recipe, Namespace(coco=str(out))) == [
        f"COCO results: {out}, with the ids of {path}"
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        theirs = COCOeval(truth, truth.loadRes(str(out)), "bbox")
        theirs.evaluate()
        theirs.accumulate()
        theirs.summarize()
    assert 0.05 < metrics["mAP"] < 0.95
    np.testing.assert_allclose(
        [metrics["mAP"], metrics["mAP50"], metrics["mAP75"]], theirs.stats[:3], rtol=0, atol=1e-9
    )
    assert {entry["image_id"] for entry in json.loads(out.read_text())} == set(truth.getImgIds())


def test_classes_that_the_file_lacks_are_left_out_and_told(coco, tmp_path):
    root, _ = coco
    recipe, evaluation, found, _ = measured(root, ("yak", "cat", "dog", "emu"))
    lines = DETECTION.write_results(evaluation, found, recipe, Namespace(coco=str(tmp_path / "r.json")))
    yaks = sum(int((detections.labels == 0).sum()) for detections in found)
    assert lines[1] == f"{yaks} detections are left out there, since the file has no category yak"
    results = json.loads((tmp_path / "r.json").read_text())
    assert len(results) == sum(map(len, found)) - yaks
    assert {entry["category_id"] for entry in results} <= {7, 18, 90}


def test_other_data_sets_are_numbered_in_order(tmp_path):
    for id in ("b", "a"):
        add(tmp_path, id, thing("cat", 1, 1, 9, 9))
    recipe, evaluation, found, _ = measured(tmp_path, ("emu", "cat"))
    evaluation = evaluation.only(range(len(evaluation.records)), "some")
    lines = DETECTION.write_results(evaluation, found, recipe, Namespace(coco=str(tmp_path / "r.json")))
    assert lines[0].endswith("so image_id counts the images' sorted names from 1, category_id the classes from 1")
    numbers = {id: number for number, id in enumerate(sorted(r.id for r in evaluation.records), start=1)}
    first, record = json.loads((tmp_path / "r.json").read_text())[0], evaluation.records[0]
    assert first["image_id"] == numbers[record.id]
    assert first["category_id"] == found[0].labels[0] + 1
    x, y, *far = found[0].boxes[0].astype(float).tolist()
    assert first["bbox"] == [x, y, far[0] - x, far[1] - y]


def test_nothing_is_written_unless_asked_for_and_a_place_that_cannot_be_is_one_sentence(coco, tmp_path):
    root, _ = coco
    recipe, evaluation, found, _ = measured(root, ("dog", "cat", "emu"))
    assert DETECTION.write_results(evaluation, found, recipe, Namespace(coco=None)) == []
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written"):
        DETECTION.write_results(evaluation, found, recipe, Namespace(coco=str(tmp_path / "file" / "r.json")))
