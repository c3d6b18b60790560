"""The sections of a page that show images."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trizoo.ground.sample import Record, Sample
from trizoo.show import sheets
from trizoo.show.folder import claim
from trizoo.show.sheets import Sheets, shared_names


class Source:
    """Images of 1280x960 in memory; image k has k boxes of class 1, or with masks k rows of class 1."""

    classes = ("a", "b")

    def __init__(self, count, has_masks=False):
        self.records = [Record(f"id {k}", Path(f"/data/{k}.jpg"), (1280, 960)) for k in range(count)]
        self.has_masks, self.asked = has_masks, []

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        self.asked.append((index, at_least))
        width, height = at_least or (1280, 960)
        boxes = np.array([[10, 10, 90, 90]] * index, np.float32).reshape(-1, 4)
        mask = None
        if self.has_masks:
            mask = np.zeros((height, width), np.uint8)
            mask[: height // 4] = 1
            mask[-height // 4 :] = 255
        return Sample(np.full((height, width, 3), 50, np.uint8), boxes, np.ones(index, int), mask)


def test_images_are_evenly_chosen_and_decoded_no_larger_than_they_are_shown(tmp_path):
    source = Source(5)
    section = Sheets(source, claim(tmp_path), False).some(3)
    assert source.asked == [(0, (640, 480)), (2, (640, 480)), (4, (640, 480))]
    assert [figure.file for figure in section.figures] == ["image-0.jpg", "image-2.jpg", "image-4.jpg"]
    assert [figure.caption for figure in section.figures] == [
        ("0: id 0", "no box"),
        ("2: id 2", "2 b"),
        ("4: id 4", "4 b"),
    ]
    assert section.links == (("images.jpg", "all in one picture"),)
    with Image.open(tmp_path / "images.jpg") as file:
        assert file.size == (3 * 480 + 2 * 4, 360)


def test_a_sheet_has_the_first_of_many(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ON_A_SHEET", 2)
    section = Sheets(Source(3), claim(tmp_path), False).some(3)
    assert len(section.figures) == 3
    assert section.links == (("images.jpg", "the first 2 in one picture"),)


def test_one_image_is_shown_whole(tmp_path):
    source = Source(3)
    section = Sheets(source, claim(tmp_path), False).large(2)
    assert source.asked == [(2, None)]
    assert section.title == "Image 2: id 2"
    assert section.figures[0].caption == ("/data/2.jpg", "1280x960 pixels", "2 b")
    assert section.figures[0].size == (1280, 960)


def test_masks_say_their_shares_and_have_a_legend_on_their_sheet(tmp_path):
    section = Sheets(Source(1, has_masks=True), claim(tmp_path), True).some(1)
    assert section.figures[0].caption[1] == "a 50%, b 25%, ignored 25%"
    with Image.open(tmp_path / "images.jpg") as file:
        assert file.size[1] > 360


@pytest.mark.parametrize("names", [(), ("flip",), ("mosaic", "flip", "mixup")])
def test_batches_say_what_made_them(tmp_path, names):
    recipe = SimpleNamespace(
        model=SimpleNamespace(name="yolov4"), seed=3, augment=[SimpleNamespace(op=name) for name in names]
    )
    source = Source(4)
    plans = [
        SimpleNamespace(step=0, epoch=0, indices=(3, 1)),
        SimpleNamespace(step=1, epoch=1, indices=(2, 0)),
    ]
    shown = [(plans[0], [source.sample(3), source.sample(1)]), (plans[1], [source.sample(2)])]
    preview = SimpleNamespace(batches=lambda count: shown[:count])
    first, second = Sheets(source, claim(tmp_path), False).batches(preview, 2, recipe)
    assert (first.title, second.title) == ("Augmented: step 1, 1280x960", "Augmented: step 2, 1280x960, epoch 2")
    assert [figure.caption[0] for figure in (*first.figures, *second.figures)] == ["3: id 3", "1: id 1", "2: id 2"]
    assert first.more[0] == f"recipe of yolov4, seed 3: {', '.join(names) or 'no augmentation'}"
    assert first.more[1:] == (("what mosaic and mixup made holds other images too",) if "mosaic" in names else ())


def test_classes_of_a_blended_image_are_told_with_their_shares():
    assert shared_names({1: 1.0}, ("a", "b")) == "b"
    assert shared_names({0: 0.25, 1: 0.75}, ("a", "b")) == "b 75%, a 25%"
    assert shared_names({1: 1.0, 0: 1.0}, ("a", "b")) == "b, a"
    assert shared_names({}, ("a", "b")) == "no label"
