"""Images at several input sizes."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tasks.detect import Detector
from trizoo.tasks.scales import ScaledDetector, ScaledSegmenter, sizes_at
from trizoo.tasks.segment import Segmenter
from trizoo.tasks.tiles import TiledDetector

SIZES = ((96, 96), (64, 64))


class Sized(Detector):
    """Finds one box over the image in each, surer the larger the input: a score of its width / 100."""

    def results(self, outputs, placements, images):
        score = np.array([images.shape[2] / 100], np.float32)
        return [
            Detections(np.array([[0, 0, *place.original]], np.float32), score, np.zeros(1, np.int64))
            for place in placements
        ]


def detector(**options):
    return Sized(lambda images: [], model_spec("yolov3-tiny", 1), (96, 96), "letterbox", 0.5, 0.5, **options)


def image(width, height):
    return np.zeros((height, width, 3), np.uint8)


def test_boxes_of_all_sizes_go_through_one_nms():
    found = list(ScaledDetector(detector(), SIZES)([image(40, 30), image(20, 50), image(8, 8)], batch_size=2))
    assert [result.boxes.tolist() for result in found] == [[[0, 0, 40, 30]], [[0, 0, 20, 50]], [[0, 0, 8, 8]]]
    assert [result.scores.tolist() for result in found] == [[pytest.approx(0.96)]] * 3
    assert len(next(ScaledDetector(detector(), SIZES).loose()([image(9, 9)])).boxes) == 2


def test_tiles_are_looked_at_in_several_sizes_too():
    tiled = TiledDetector(ScaledDetector(detector(), SIZES), 32, 0)
    (found,) = tiled([image(64, 32)])
    assert found.boxes.tolist() == [[0, 0, 32, 32], [32, 0, 64, 32]]


@pytest.mark.parametrize("kind", ["detector", "segmenter"])
def test_an_image_that_cannot_be_read_is_its_error(kind, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    spec = model_spec("deeplabv3plus-mobilenetv2", 2)
    segmenter = Segmenter(lambda images: [np.zeros((*images.shape[:3], 2))], spec, (96, 96), "stretch")
    pipeline = ScaledDetector(detector(), SIZES) if kind == "detector" else ScaledSegmenter(segmenter, SIZES)
    broken, whole = pipeline([str(tmp_path / "a.png"), image(5, 4)], skip=True)
    assert isinstance(broken, UserError)
    assert not isinstance(whole, UserError)


def test_of_a_segmenter_the_mean_of_the_logits_counts():
    """Class 1 has logit 3 at the first size and -1 at the second: 2 in sum, so more than class 0's 0; class 2 has 1."""

    def predict(images):
        logits = np.zeros((*images.shape[:3], 3), np.float32)
        logits[..., 1] = 3 if images.shape[1] == 96 else -1
        logits[..., 2] = 0.5
        return [logits]

    segmenter = Segmenter(predict, model_spec("deeplabv3plus-mobilenetv2", 3), (96, 96), "letterbox")
    for sizes, label in ((SIZES, 1), (SIZES[:1], 1), (SIZES[1:], 2), ((*SIZES, (32, 32), (128, 128)), 2)):
        (found,) = ScaledSegmenter(segmenter, sizes)([image(40, 30)])
        assert found.shape == (30, 40)
        assert (found == label).all()


def test_sizes_are_rounded_to_what_the_model_takes():
    assert sizes_at((0.83, 1.2), "yolov3-tiny", (416, 608), "letterbox") == ((416, 608), (352, 512), (512, 736))


@pytest.mark.parametrize(
    ("scales", "name", "resize", "sentence"),
    [
        ((0.5,), "ssd300-vgg16", "stretch", "--tta-scales 0.5 needs other input sizes, and ssd300-vgg16 takes 300x300"),
        ((0.5,), "yolov3-tiny", "none", "the model takes them as they are"),
        ((0.99,), "yolov3-tiny", "letterbox", "has 0.99, which makes 416x416 of 416x416 in steps of 32 pixels"),
        ((2, 2.01), "yolov3-tiny", "letterbox", "has 2.01, which makes 832x832 of 416x416"),
    ],
)
def test_scales_without_a_further_size_are_refused(scales, name, resize, sentence):
    with pytest.raises(UserError, match=sentence):
        sizes_at(scales, name, (300, 300) if name.startswith("ssd") else (416, 416), resize)
