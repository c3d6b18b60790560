from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of

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


def everything_is_class_one(paths):
    return (np.ones(SIZE[::-1], np.uint8) for _ in paths)


def test_a_split_is_measured_at_the_images_own_sizes(data):
    evaluation = TASK.evaluation_set(TASK.find(data), data, None, ("ground", "cell"))
    metrics, found = evaluation.measure(everything_is_class_one)
    assert metrics["per_class"]["cell"]["IoU"] == 0.5  # half of what was found is there
    assert metrics["per_class"]["ground"]["IoU"] == 0
    assert (metrics["mIoU"], metrics["pixel_accuracy"]) == (0.25, 0.5)
    assert {*TASK.figures} <= metrics.keys()
    assert len(found.masks) == 8
    truth, prediction = evaluation.draw(found, 0)
    assert (truth[0, 0] == prediction[0, 0]).all()
    assert (truth[0, 7] != prediction[0, 7]).any()
    assert "cell" in TASK.table(metrics)
    assert "mIoU 0.2500" in TASK.table(metrics)


@pytest.mark.parametrize("asked", [True, False])
def test_boundary_iou_is_measured_where_it_is_asked_for(data, asked):
    evaluation = TASK.evaluation_set(TASK.find(data), data, "val", ())
    assert TASK.as_asked(evaluation, Namespace(boundary=asked)).boundary is asked
