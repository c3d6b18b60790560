import itertools

import numpy as np
import pytest
from PIL import Image

from trizoo.ground.boxes import iou
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tasks.detect import Detector
from trizoo.tasks.tiles import TiledDetector


class Spots:
    """A spec whose decoder finds each bright pixel of the original as a box of 5x5 about it; score: its brightness."""

    name = "spots"

    def decode(self, outputs, placements, size, *, score, threshold, max_detections, method):
        from trizoo.families.base.decode import suppressed

        options = {"min_score": score, "threshold": threshold, "max_detections": max_detections, "method": method}
        results = []
        for image, placement in zip(outputs, placements, strict=True):
            rows, columns = np.nonzero(image[..., 0] > 50)
            centres = np.stack([columns, rows], axis=1) + 0.5
            boxes = np.concatenate([centres - 2.5, centres + 2.5], axis=1).astype(np.float32)
            scores = image[rows, columns, 0].astype(np.float32) / 255
            results.append(suppressed(boxes, scores, image[rows, columns, 1].astype(np.int64), placement, **options))
        return results


def detector(size, **options):
    return Detector(lambda images: images, Spots(), size, "stretch", **({"score": 0.2, "nms": 0.5} | options))


def picture(size, spots):
    """Black, with spots {(x, y): (brightness, class)}."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for (x, y), (brightness, label) in spots.items():
        image[y, x] = brightness, label, 0
    return image


def same(one, other):
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("boxes", "scores", "labels"))


@pytest.mark.parametrize("method", ["hard", "diou", "soft", "vote"])
@pytest.mark.parametrize("size", [(64, 64), (64, 40)])
def test_one_tile_over_the_image_gives_the_untiled_answer(method, size):
    spots = {(10, 10): (250, 0), (11, 10): (240, 0), (30, 20): (200, 1), (31, 22): (199, 1), (60, 38): (100, 0)}
    image, plain = picture(size, spots), detector(size, nms_method=method)
    (found,), (expected,) = list(TiledDetector(plain, 64, 0.2)([image])), list(plain([image]))
    assert len(expected) > 2
    assert same(found, expected)


def test_boxes_of_tiles_come_back_to_their_places_and_once_where_tiles_overlap():
    spots = {(5, 5): (250, 0), (58, 30): (240, 0), (60, 31): (230, 1), (99, 70): (220, 0), (120, 90): (210, 1)}
    (found,) = TiledDetector(detector((64, 64)), 64, 0.25)([picture((130, 100), spots)], batch_size=3)
    assert found.labels.tolist() == [0, 0, 1, 0, 1]
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    np.testing.assert_allclose(centres, np.array([*spots]) + 0.5, atol=1e-4)
    assert (iou(found.boxes, found.boxes) - np.eye(5)).max() < 0.5


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "starts"),
    [
        (64, 64, 0.2, [0]),
        (30, 64, 0.2, [0]),
        (65, 64, 0.0, [0, 1]),
        (128, 64, 0.0, [0, 64]),
        (128, 64, 0.5, [0, 32, 64]),
        (130, 64, 0.25, [0, 33, 66]),  # 66 / 48 = 1.4: two gaps, of 33 each, an overlap of 31
        (1000, 640, 0.2, [0, 360]),
    ],
)
def test_tiles_cover_the_image_with_that_overlap_at_least(length, tile, overlap, starts):
    corners = TiledDetector(None, tile, overlap).corners((length, 1))
    assert corners == [(start, 0) for start in starts]
    assert all(after - before <= tile * (1 - overlap) for before, after in itertools.pairwise(starts))


def test_the_most_detections_are_counted_over_all_tiles():
    spots = {(x, y): (255 - x // 2, 0) for x in range(5, 130, 10) for y in (10, 90)}
    (found,) = TiledDetector(detector((64, 64), max_detections=4), 64, 0.2)([picture((130, 100), spots)])
    assert len(found) == 4
    assert found.boxes[:, 0].max() <= 13


def test_an_image_that_cannot_be_read_costs_itself(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths[1:3]:
        Image.fromarray(picture((130, 100), {(5, 5): (250, 0)})).save(path)
    paths[3].write_bytes(b"no image")
    tiled = TiledDetector(detector((64, 64)), 64, 0.2)
    found = list(tiled(paths, batch_size=2, skip=True))
    assert [isinstance(result, UserError) for result in found] == [True, False, False, True]
    assert [result.labels.tolist() for result in found[1:3]] == [[0], [0]]
    with pytest.raises(UserError, match=r"0\.png doesn't exist"):
        list(tiled(paths))


def test_a_mirrored_look_finds_the_same_once():
    """The network is blind on the left half; what it sees in the mirror comes back to its place."""

    def blind(images):
        images = images.copy()
        images[:, :, :32] = 0
        return images

    spots = {(5, 7): (250, 0), (40, 20): (240, 1)}
    image = picture((64, 48), spots)
    plain = Detector(blind, Spots(), (64, 48), "stretch", score=0.2, nms=0.5)
    assert next(plain([image])).labels.tolist() == [1]
    (found,) = Detector(blind, Spots(), (64, 48), "stretch", score=0.2, nms=0.5, flip=True)([image])
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose((found.boxes[:, :2] + found.boxes[:, 2:]) / 2, np.array([*spots]) + 0.5, atol=1e-4)


@pytest.mark.parametrize("policy", ["letterbox", "keep_ratio", "stretch"])
def test_a_mirrored_look_at_a_symmetric_network_changes_nothing(policy):
    """Each box is found twice at the same place, of which NMS leaves one; letterboxes with an odd edge too."""
    image = picture((40, 33), {(5, 7): (250, 0), (20, 20): (240, 1), (39, 32): (230, 0)})
    options = {"score": 0.2, "nms": 0.5}
    one, two = (
        Detector(lambda images: images, Spots(), (41, 50), policy, **options, flip=flip) for flip in (False, True)
    )
    (plain,), (both,) = list(one([image])), list(two([image]))
    assert both.labels.tolist() == plain.labels.tolist()
    np.testing.assert_allclose(both.boxes, plain.boxes, atol=1.1)


def test_classes_that_count_are_chosen_before_the_most_detections_are():
    spots = {(5, 5): (250, 0), (20, 5): (240, 0), (35, 5): (230, 1), (50, 5): (220, 2)}
    image = picture((64, 64), spots)
    (found,) = detector((64, 64), max_detections=1, only=(1, 2))([image])
    assert found.labels.tolist() == [1]
    (found,) = detector((64, 64), only=(2,))([image])
    assert isinstance(found, Detections)
    assert found.labels.tolist() == [2]
