"""README's picture and docs/make_pictures.py, which makes it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.main import parser
from trizoo.tests.scripts import DOCS, load_script

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the repository")


@pytest.fixture(scope="module")
def pictures():
    return load_script("make_pictures")


def test_boxes_and_masks_stand_side_by_side_with_nothing_between_them(pictures, monkeypatch, synthetic_data):
    monkeypatch.setattr(pictures, "SHOWN", (0, 1))

    class Segmenter(SimpleNamespace):
        def __call__(self, path):
            return path.name

    boxes, masks = np.full((4, 6, 3), 10, np.uint8), np.full((4, 6, 3), 20, np.uint8)
    detector = lambda path: SimpleNamespace(draw=lambda image: boxes)  # noqa: E731
    segmenter = Segmenter(draw=lambda path, mask: masks if mask == path.name else None)
    picture = pictures.front(detector, segmenter, Path(synthetic_data))
    gap = pictures.GAP
    assert picture.shape == (4, 4 * 6 + 3 * gap, 4)
    assert [int(picture[0, index * (6 + gap), 0]) for index in range(4)] == [10, 20, 10, 20]
    assert int((picture[..., 3] == 0).sum()) == 4 * 3 * gap


def test_the_segmenter_is_trained_by_flags_that_there_are(pictures):
    assert parser("train", prog="x").parse_args(pictures.SEGMENTATION.split()).epochs == 12


def test_readmes_picture_is_small_and_see_through_between_its_tiles(pictures):
    assert pictures.FRONT.stat().st_size <= 150_000
    with Image.open(pictures.FRONT) as picture:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert set(np.unique(alpha)) == {0, 255}
