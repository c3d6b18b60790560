import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from trizoo.families import model_spec
from trizoo.families.base.shortlist import Shortlist
from trizoo.families.yolo.grid import cells_per_head, flatten_outputs, yolo_grid
from trizoo.families.yolo.targets import assign
from trizoo.ground.conventions import GREY
from trizoo.ground.errors import UserError
from trizoo.tasks.detect import Detector

SIZE = (96, 64)
SPEC = model_spec("yolov3-tiny", 20)


class Network:
    """A network that sees the bright part of each image as one object; its class is the brightness / 12."""

    def __init__(self):
        self.batch_sizes = []

    def __call__(self, images):
        assert images.dtype == np.uint8
        self.batch_sizes.append(len(images))
        outputs = [np.full((len(images), r, c, 3, 25), -20, np.float32) for c, r in cells_per_head(SPEC, SIZE)]
        flat, grid = flatten_outputs(outputs), yolo_grid(SPEC, SIZE)
        for raw, image in zip(flat, images, strict=True):
            grey = image[..., 0].astype(int)
            bright = grey > 140 if (grey == 128).any() else grey > 100
            rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
            box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
            index = assign([box[None]], [np.zeros(1, int)], SPEC, SIZE)["positives"][0, 0]
            place = np.clip((box[:2] + box[2:]) / 2 / grid.strides[index] - grid.cells[index], 1e-3, 1 - 1e-3)
            raw[index, :2] = np.log(place / (1 - place))
            raw[index, 2:4] = np.log((box[2:] - box[:2]) / grid.anchors[index])
            raw[index, [4, 5 + round(np.median(grey[bright]) / 12)]] = math.log(9), 20
        counts = np.cumsum([output[0, ..., 0].size for output in outputs])[:-1]
        return [p.reshape(h.shape) for p, h in zip(np.split(flat, counts, axis=1), outputs, strict=True)]


def make(resize="stretch", **options):
    return Detector(Network(), SPEC, SIZE, resize, **({"score": 0.5, "nms": 0.5} | options))


@pytest.fixture
def pictures(tmp_path):
    """A function: how many -> paths of images of one grey level each, 108 + 12 i: class 9 + i."""

    def draw(count):
        paths = [tmp_path / f"{i} ü.png" for i in range(count)]
        for i, path in enumerate(paths):
            Image.new("RGB", (30 + i, 20), (108 + 12 * i,) * 3).save(path)
        return paths

    return draw


@pytest.mark.parametrize(("count", "batches"), [(10, [4, 4, 2]), (8, [4, 4]), (3, [3]), (1, [1]), (0, [])])
def test_every_image_gets_its_detections_in_order(pictures, count, batches):
    detector = make()
    found = list(detector(iter(pictures(count)), batch_size=4))
    assert [detections.labels.tolist() for detections in found] == [[9 + i] for i in range(count)]
    for i, detections in enumerate(found):
        np.testing.assert_allclose(detections.boxes, [[0, 0, 30 + i, 20]], atol=0.2)
        np.testing.assert_allclose(detections.scores, 0.9, rtol=1e-5)
    assert detector.predict.batch_sizes == batches


def test_the_score_threshold_is_passed_on(pictures):
    assert [len(found) for found in make(score=0.95)(pictures(2))] == [0, 0]


@pytest.mark.parametrize(
    ("method", "count", "moved"), [("hard", 1, 0), ("diou", 2, 0), ("soft", 2, 0), ("vote", 1, 0.388)]
)
def test_the_nms_method_is_passed_on(tmp_path, method, count, moved):
    def predict(images):
        # 37x58 about (24, 24) and (40, 24), cut off at the image's top: IoU 21 / 53 = 0.396, DIoU 0.396 less
        # 16^2 / (53^2 + 53^2) = 0.046
        outputs = [np.full((1, r, c, 3, 25), -20, np.float32) for c, r in cells_per_head(SPEC, SIZE)]
        outputs[1][0, 1, 1:3, 2, :4] = 0
        outputs[1][0, 1, 1:3, 2, 4:6] = [[20, 20], [3, 20]]
        return outputs

    Image.new("RGB", SIZE).save(tmp_path / "image.png")
    detector = Detector(predict, SPEC, SIZE, "stretch", score=0.5, nms=0.37, nms_method=method)
    (found,) = detector([tmp_path / "image.png"])
    assert found.labels.tolist() == [0] * count
    # the other has a vote of sigmoid(3) exp(-(1 - 0.396)^2 / 0.1) = 0.953 * 0.0261 = 0.0248: 16 * 0.0248 / 1.0248
    np.testing.assert_allclose(found.boxes[0], [5.5 + moved, 0, 42.5 + moved, 53], atol=1e-3)


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_a_large_jpeg_is_decoded_smaller_but_its_boxes_are_in_full_pixels(tmp_path, resize):
    pixels = np.zeros((1200, 1600, 3), np.uint8)
    pixels[300:900, 400:1100] = 216
    Image.fromarray(pixels).save(tmp_path / "large.jpg")
    detector = make(resize)
    image, placement = detector.place(tmp_path / "large.jpg")
    assert image.shape == (64, 96, 3)
    assert placement.original == (1600, 1200)
    (found,) = detector([tmp_path / "large.jpg"])
    np.testing.assert_allclose(found.boxes, [[400, 300, 1100, 900]], atol=1600 / 85)  # one pixel of the input
    assert found.labels.tolist() == [18]


def test_a_turned_jpeg_has_boxes_in_upright_pixels(tmp_path):
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[100:300, 0:200] = 216  # turned by orientation 6: columns 400 - 300 to 400 - 100, rows 0 to 200
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    (found,) = make()([tmp_path / "turned.jpg"])
    np.testing.assert_allclose(found.boxes, [[100, 0, 300, 200]], atol=800 / 64)


def test_an_unreadable_image_is_named_after_the_batches_before_it(pictures, tmp_path):
    paths = pictures(5)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    results = make()([*paths[:4], broken, paths[4]], batch_size=2)
    assert [next(results).labels[0] for _ in range(4)] == [9, 10, 11, 12]
    with pytest.raises(UserError, match=r"broken\.jpg isn't an image"):
        next(results)


def test_an_unreadable_image_is_its_own_result_where_it_is_skipped(pictures, tmp_path):
    paths = pictures(3)
    broken, missing = tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(b"no image")
    found = list(make()([missing, *paths[:2], broken, paths[2]], batch_size=2, skip=True))
    assert [result.labels.tolist() for result in found if not isinstance(result, UserError)] == [[9], [10], [11]]
    assert [number for number, result in enumerate(found) if isinstance(result, UserError)] == [0, 3]
    assert "missing.jpg doesn't exist" in str(found[0])


def test_an_image_has_one_answer_whatever_else_is_in_its_batch():
    """A network that tells how large its input is, and how grey the last pixel."""

    def predict(images):
        outputs = [
            np.full((len(images), r, c, 3, 25), -20, np.float32) for c, r in cells_per_head(SPEC, images.shape[2:0:-1])
        ]
        outputs[1][:, 1, 2, 0, :4] = images[:, -1, -1, :1] / 300 + images.shape[1] / 1000
        outputs[1][:, 1, 2, 0, 4:6] = 20
        return outputs

    images = [
        np.full((height, width, 3), 100 + width % 7, np.uint8)
        for width, height in [(96, 64), (64, 96), (90, 40), (96, 64)]
    ]
    detector = Detector(predict, SPEC, SIZE, "keep_ratio", score=0.5, nms=0.5)
    together, alone = list(detector(images, batch_size=4)), [next(detector([image])) for image in images]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
    assert len({found.boxes.tobytes() for found in together}) == 3


def test_paths_are_taken_only_as_they_are_needed(pictures):
    taken = []

    def watched():
        for path in pictures(10):
            taken.append(path)
            yield path

    results = make()(watched(), batch_size=2)
    next(results)
    assert len(taken) == 6  # the batch in hand, and two ahead
    results.close()
    assert len(taken) == 6


def test_images_as_they_are_have_boxes_in_their_own_pixels(tmp_path):
    shapes = []

    def predict(images):
        shapes.append(images.shape)
        outputs = []
        for columns, rows in cells_per_head(SPEC, images.shape[2:0:-1]):
            outputs.append(np.full((len(images), rows, columns, 3, 25), -20, np.float32))
        outputs[1][:, 1, 2, 0, :4] = 0  # 10 x 14 about (40, 24), see SPEC.anchors
        outputs[1][:, 1, 2, 0, 4:6] = 20
        return outputs

    paths = []
    for number, size in enumerate([(96, 64), (96, 64), (64, 64), (128, 96)]):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", size).save(paths[-1])
    detector = Detector(predict, SPEC, (416, 416), "none", score=0.5, nms=0.5)
    width, height = SPEC.anchors[1][0]
    for found in detector(paths, batch_size=3):
        expected = [40 - width / 2, 24 - height / 2, 40 + width / 2, 24 + height / 2]
        np.testing.assert_allclose(found.boxes, [np.clip(expected, 0, None)], atol=1e-3)
    assert shapes == [(2, 64, 96, 3), (1, 64, 64, 3), (1, 96, 128, 3)]


def test_an_image_that_the_model_does_not_take_as_it_is_gets_a_border_right_and_below():
    seen = []

    def network(images):
        seen.append(images)
        return Network()(images)

    image = np.random.default_rng(0).integers(0, 256, (61, 100, 3), np.uint8)
    detector = Detector(network, SPEC, SIZE, "none", score=0.5, nms=0.5)
    next(detector([image]))
    assert seen[0].shape == (1, 64, 128, 3)
    np.testing.assert_array_equal(seen[0][0, :61, :100], image)
    assert set(np.unique(seen[0][0, 61:])) == set(np.unique(seen[0][0, :, 100:])) == {GREY}
    assert detector.place(image)[1].inverse(np.array([[3.0, 4, 50, 61]])).tolist() == [[3, 4, 50, 61]]


def test_an_image_as_it_is_of_a_size_that_the_model_never_takes_is_named():
    spec = model_spec("ssd300-vgg16", 2)
    with pytest.raises(UserError, match=r"image in memory is used as it is, since resize is none: .* 300x300 alone"):
        next(Detector(Network(), spec, (300, 300), "none", score=0.5, nms=0.5)([np.zeros((310, 290, 3), np.uint8)]))


@pytest.mark.parametrize("flip", [False, True])
def test_rows_of_outputs_give_what_whole_outputs_give(pictures, flip):
    whole, network = make(flip=flip), Network()

    def predict(images):
        """All the rows of each image, which are few, the best first."""
        raw = flatten_outputs(network(images))
        rows = np.argsort(-raw[..., 4], axis=1)
        promises = np.take_along_axis(raw[..., 4], rows, 1)
        return Shortlist(rows, promises, np.zeros((len(raw), 1)), [np.take_along_axis(raw, rows[..., None], 1)], None)

    for found, wanted in zip(replace(whole, predict=predict)(pictures(3)), whole(pictures(3)), strict=True):
        for name, array in vars(wanted).items():
            np.testing.assert_array_equal(getattr(found, name), array)


def test_a_map_of_heat_is_of_the_whole_outputs_where_a_predictor_sends_rows_alone(pictures):
    plain, network = replace(make(), heated=True), Network()

    def predict(images):
        raw = network(images)
        return Shortlist(*[np.zeros((len(images), 0))] * 3, [], lambda: raw)

    for seen, wanted in zip(replace(plain, predict=predict)(pictures(2)), plain(pictures(2)), strict=True):
        np.testing.assert_array_equal(seen.heat(), wanted.heat())
        np.testing.assert_array_equal(seen.found.boxes, wanted.found.boxes)
