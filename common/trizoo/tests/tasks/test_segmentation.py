from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from trizoo.data.photo import Photo
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.tasks.writers import save_picture
from trizoo.tests.mask_files import write_masks

TASK = task_of("deeplabv3plus-mobilenetv2")
SIZE = (8, 6)


@pytest.fixture
def data(tmp_path):
    """A recipe's data section: ten images in images/ and masks/, the left half 255 and the right half 0."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[:, :4] = 255
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(10):
            picture = Image.fromarray(mask) if folder == "masks" else Image.new("RGB", SIZE, (number, 0, 0))
            picture.save(tmp_path / folder / f"{number}.png")
    return Recipe(data={"root": str(tmp_path), "mask_map": {255: 1}}).data


def evaluation_of(data, classes=("ground", "cell")):
    return TASK.evaluation_set(TASK.find(data), Recipe(data=data, classes=classes), None)


def everything_is_class_one(paths):
    return (np.ones(SIZE[::-1], np.uint8) for _ in paths)


def test_a_split_is_measured_at_the_images_own_sizes(data):
    evaluation = evaluation_of(data)
    metrics, found = evaluation.measure(everything_is_class_one)
    assert metrics["per_class"]["cell"]["IoU"] == 0.5  # half of what was found is there
    assert metrics["per_class"]["ground"]["IoU"] == 0
    assert (metrics["mIoU"], metrics["pixel_accuracy"]) == (0.25, 0.5)
    assert {*TASK.metrics} <= metrics.keys()
    assert len(found.masks) == 8
    assert [(iou, number) for iou, number, _ in found.worst] == [(0.25, number) for number in range(10)]
    truth, prediction = evaluation.draw(found, 0)
    assert (truth[0, 0] == prediction[0, 0]).all()
    assert (truth[0, 7] != prediction[0, 7]).any()
    assert "cell" in TASK.table(metrics)
    assert "mIoU 0.2500" in TASK.table(metrics)


def test_boundary_iou_is_measured_where_it_is_asked_for(data):
    evaluation = replace(evaluation_of(data), boundary=True)
    metrics, _ = evaluation.measure(everything_is_class_one)
    assert 0 < metrics["per_class"]["cell"]["boundary_IoU"] <= 1
    header, _, _, means = TASK.table(metrics).splitlines()
    assert "boundary IoU" in header
    assert f"boundary mIoU {metrics['boundary_mIoU']:.4f}" in means


def test_overfitting_is_measured_on_the_first_images(data):
    evaluation = evaluation_of(data).only(range(3), "all (overfit)")
    metrics, _ = evaluation.measure(everything_is_class_one)
    assert (metrics["images"], len(evaluation.records), evaluation.split) == (3, 3, "all (overfit)")


def test_masks_without_their_mapping_are_refused_with_it(data):
    with pytest.raises(UserError, match="--mask-map 255=1"):
        TASK.open(TASK.find(data), data.model_copy(update={"mask_map": ()}), None, ())


def test_a_result_has_the_share_of_each_class_that_is_there(data, tmp_path):
    recipe = Recipe(classes=("ground", "cell", "dust"))
    mask = np.zeros((2, 5), np.uint8)
    mask[0, :3] = 1
    photo = Photo.of("a.png")
    result = TASK.result(photo, mask, recipe, None)
    assert result == {"image": "a.png", "width": 5, "height": 2, "areas": {"ground": 0.7, "cell": 0.3}}
    assert TASK.line(photo, mask, result, recipe, None) == "a.png: ground 70.0 %, cell 30.0 %"
    other = {"areas": {"ground": 0.1, "cell": 0.9}}
    total = TASK.total(recipe, None)
    assert total.text() == "0 images: "
    total.add(result)
    total.add(other)
    assert total.text() == "2 images: cell 60.0 %, ground 40.0 %"


@pytest.mark.parametrize(("view", "mode"), [("blend", "RGB"), ("mask", "RGB"), ("cut-out", "RGBA")])
def test_pictures_are_of_the_view_that_was_asked_for(data, tmp_path, view, mode):
    args = Namespace(masks=True, view=view, out=str(tmp_path / "out"))
    mask = np.ones(SIZE[::-1], np.uint8)
    photo, target = Photo.of(f"{data.root}/images/0.png"), tmp_path / "out" / "deep" / "0.png"
    TASK.write(photo, target, mask, Recipe(), args)
    save_picture(target, TASK.draw(photo, mask, Recipe(), args))
    with Image.open(target) as picture, Image.open(tmp_path / "out" / "masks" / "deep" / "0.png") as file:
        assert (picture.mode, picture.size) == (mode, SIZE)
        assert (file.mode, np.asarray(file).tolist()) == ("P", mask.tolist())


@pytest.mark.parametrize("asked", [True, False])
def test_the_flag_boundary_says_whether_borders_are_measured(data, asked):
    evaluation = evaluation_of(data)
    assert TASK.as_asked(evaluation, Namespace(boundary=asked)).boundary is asked


def test_a_class_file_in_another_order_changes_no_metric(tmp_path):
    classes, measured = ("background", "cat", "dog"), []
    truth = np.array([[0, 0, 1, 1, 2, 2, 2, 255]] * 6, np.uint8)
    found = np.array([[0, 1, 1, 1, 2, 2, 0, 0]] * 6, np.uint8)
    for order in (classes, ("dog", "background", "cat")):
        root = tmp_path / order[0]
        write_masks(root, {"a": np.array([*map(order.index, classes)] + [255] * 253, np.uint8)[truth]})
        (root / "labels.txt").write_text("\n".join(order), encoding="utf-8")
        data = Recipe(data={"root": str(root)}).data
        evaluation = evaluation_of(data, classes)
        measured.append(evaluation.measure(lambda paths: (found for _ in paths))[0])
    assert measured[0] == measured[1]
    assert measured[0]["mIoU"] == pytest.approx((1 / 3 + 2 / 3 + 2 / 3) / 3)  # background 1 of 3, cat and dog 2 of 3
