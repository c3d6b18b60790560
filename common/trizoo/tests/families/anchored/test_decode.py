import math

import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families.base.terms import log_softmax, sigmoid
from trizoo.families.retinanet import decode as retinanet_decode
from trizoo.families.retinanet import targets as retinanet
from trizoo.families.retinanet.anchors import (
    KERAS_RETINANET_CODING,
    RETINANET_ANCHORS,
    RETINANET_CODING,
    retinanet_grid,
)
from trizoo.families.retinanet.decode import decode_retinanet
from trizoo.families.ssd import decode as ssd_decode
from trizoo.families.ssd import targets as ssd
from trizoo.families.ssd.anchors import SSD_ANCHORS, SSD_CODING, ssd_grid
from trizoo.families.ssd.decode import decode_ssd
from trizoo.ground.boxes import nms

CLASSES = 3
SSD_SIZE, PYRAMID_SIZE = (300, 300), (160, 96)
SSD_GRID, PYRAMID_GRID = ssd_grid(SSD_ANCHORS["ssd300"]), retinanet_grid(PYRAMID_SIZE)
OPTIONS = {"score": 0.1, "threshold": 0.5}
BOTH = pytest.mark.parametrize("kind", ["ssd", "retinanet"])


def logit(probability):
    return math.log(probability / (1 - probability))


def nothing(kind, batch=1):
    """Heads that see nothing: deltas 0, and background."""
    if kind == "ssd":
        logits = np.zeros((batch, len(SSD_GRID.boxes), 1 + CLASSES), np.float32)
        logits[..., 0] = 20
        return np.zeros((*logits.shape[:2], 4), np.float32), logits
    logits = np.full((batch, len(PYRAMID_GRID.boxes), CLASSES), -20, np.float32)
    return np.zeros((*logits.shape[:2], 4), np.float32), logits


def answer(kind, logits, rows, label, score):
    """Makes anchors of one image say a class with this score."""
    if kind == "ssd":
        logits[rows] = -20
        logits[rows, [0]] = 0
        logits[rows, 1 + label] = logit(score)
    else:
        logits[rows, label] = logit(score)


def decode(kind, outputs, placements, **options):
    if kind == "ssd":
        return decode_ssd(outputs, SSD_GRID, placements, **OPTIONS | options)
    return decode_retinanet(outputs, PYRAMID_GRID, placements, **OPTIONS | options)


def size_of(kind):
    return SSD_SIZE if kind == "ssd" else PYRAMID_SIZE


@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
@BOTH
def test_matched_boxes_come_back_in_the_original_images_pixels(kind, policy):
    placements = [fit(original, size_of(kind), policy) for original in [(640, 480), (300, 900)]]
    wanted = [
        np.array([[10, 20, 205, 307], [400.5, 100, 630, 471]], np.float32),
        np.array([[5, 600, 280, 890]], np.float32),
    ]
    labels = [np.array([2, 0]), np.array([1])]
    placed = [placement.forward(boxes) for placement, boxes in zip(placements, wanted, strict=True)]
    assign, grid = (ssd.assign, SSD_GRID) if kind == "ssd" else (retinanet.assign, PYRAMID_GRID)
    coding = SSD_CODING if kind == "ssd" else RETINANET_CODING
    targets = assign(placed, labels, grid, CLASSES)
    deltas, logits = nothing(kind, 2)
    for image, anchor in np.argwhere(targets["matches"] >= 0):
        box = targets["matches"][image, anchor]
        deltas[image, anchor] = coding.encode(targets["boxes"][image, box], grid.boxes[anchor])
        answer(kind, logits[image], [anchor], targets["labels"][image, box], 0.9)
    for detections, boxes, image_labels in zip(decode(kind, (deltas, logits), placements), wanted, labels, strict=True):
        order = [int(np.abs(detections.boxes - box).sum(axis=1).argmin()) for box in boxes]
        assert sorted(order) == list(range(len(detections)))
        np.testing.assert_allclose(detections.boxes[order], boxes, atol=0.01)
        np.testing.assert_array_equal(detections.labels[order], image_labels)
        np.testing.assert_allclose(detections.scores, 0.9, rtol=1e-5)
        assert (detections.boxes.dtype, detections.scores.dtype) == (np.float32, np.float32)
        assert detections.labels.dtype == np.int64


def test_keras_retinanets_corner_deltas_are_decoded():
    grid = retinanet_grid(PYRAMID_SIZE, RETINANET_ANCHORS["keras-retinanet"])
    deltas, logits = nothing("retinanet")
    logits[0, 3, 1] = 5
    deltas[0, 3] = [0.5, 0, 0, 1]  # the first square of 32, of -12 to 20; 32 * 0.2 = 6.4 pixels a unit
    (found,) = decode_retinanet(
        (deltas, logits), grid, [fit(PYRAMID_SIZE, PYRAMID_SIZE)], coding=KERAS_RETINANET_CODING, **OPTIONS
    )
    np.testing.assert_allclose(found.boxes, [[0, 0, 20, 26.4]], atol=1e-5)


def test_an_ssd_score_is_the_softmax_without_background_and_the_threshold_keeps_equals():
    deltas, logits = nothing("ssd")
    logits[0, 5000] = np.log([5, 1, 3, 1])  # shares of 10
    placements = [fit(SSD_SIZE, SSD_SIZE)]
    (found,) = decode_ssd((deltas, logits), SSD_GRID, placements, score=0.09, threshold=0.5)
    assert found.labels.tolist() == [1, 0, 2]  # one anchor may be several classes
    np.testing.assert_allclose(found.scores, [0.3, 0.1, 0.1], rtol=1e-6)
    for score, count in ((float(found.scores[0]), 1), (0.31, 0), (1, 0)):
        assert len(decode_ssd((deltas, logits), SSD_GRID, placements, score=score, threshold=0.5)[0]) == count


def test_a_retinanet_score_is_the_sigmoid_and_the_threshold_keeps_equals():
    deltas, logits = nothing("retinanet")
    logits[0, 500] = [0, logit(0.8), -20]
    placements = [fit(PYRAMID_SIZE, PYRAMID_SIZE)]
    (found,) = decode_retinanet((deltas, logits), PYRAMID_GRID, placements, **OPTIONS)
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, [0.8, 0.5], rtol=1e-6)
    for score, count in ((0.5, 2), (0.51, 1), (0.81, 0), (1, 0)):
        found = decode_retinanet((deltas, logits), PYRAMID_GRID, placements, score=score, threshold=0.5)[0]
        assert len(found) == count


@BOTH
def test_where_nothing_is_seen_there_are_no_detections(kind):
    for found in decode(kind, nothing(kind, 2), [fit(size_of(kind), size_of(kind))] * 2):
        assert (found.boxes.shape, found.scores.shape, found.labels.shape) == ((0, 4), (0,), (0,))
        assert (found.boxes.dtype, found.labels.dtype) == (np.float32, np.int64)


@BOTH
def test_predictions_that_are_not_finite_are_no_detections(kind):
    deltas, logits = nothing(kind)
    placements = [fit(size_of(kind), size_of(kind))]
    answer(kind, logits[0], [0, 9, 18, 27, 36], 1, 0.9)
    deltas[0, 9, 2], deltas[0, 18, 0], deltas[0, 27, 2] = np.nan, np.inf, np.inf
    logits[0, 36, 0] = np.inf
    logits[0, 45:50] = np.nan
    (found,) = decode(kind, (deltas, logits), placements)
    assert len(found) == 1
    assert np.isfinite(found.boxes).all()
    everything = [np.full_like(output, np.nan) for output in (deltas, logits)]
    assert len(decode(kind, everything, placements)[0]) == 0


@pytest.mark.parametrize(
    ("kind", "row", "top", "bottom"),
    # the image's ten rows of 100 pixels lie in the middle: 135 to 165 of 300, 40 to 56 of 160 x 96
    [("ssd", 0, 135, 165), ("retinanet", 8, 40, 56)],
)
def test_a_box_is_clipped_and_one_beside_the_image_is_dropped(kind, row, top, bottom):
    size, grid = size_of(kind), SSD_GRID if kind == "ssd" else PYRAMID_GRID
    deltas, logits = nothing(kind)
    inside = int(((grid.boxes[:, 1] < top) & (grid.boxes[:, 3] > bottom) & (grid.boxes[:, 0] < 0)).argmax())
    assert grid.boxes[row, 3] < top
    answer(kind, logits[0], [inside, row], 0, 0.9)
    (found,) = decode(kind, (deltas, logits), [fit((100, 10), size)])
    scale = size[0] / 100
    np.testing.assert_allclose(found.boxes, [[0, 0, min(grid.boxes[inside, 2] / scale, 100), 10]], rtol=1e-5)


@BOTH
def test_nms_is_per_class_and_honours_its_options(kind):
    deltas, logits = nothing(kind)
    placements = [fit(size_of(kind), size_of(kind))]
    rows = np.arange(1200, 1260)
    for place, row in enumerate(rows):
        answer(kind, logits[0], [row], place % 2, 0.3 + place / 100)
    every = decode(kind, (deltas, logits), placements, threshold=1.0)[0]
    expected, scores = nms(every.boxes, every.scores, every.labels, threshold=0.3)
    (found,) = decode(kind, (deltas, logits), placements, threshold=0.3)
    assert 1 < len(found) < len(every) == 60
    np.testing.assert_array_equal(found.boxes, every.boxes[expected])
    np.testing.assert_array_equal(found.labels, every.labels[expected])
    (soft,) = decode(kind, (deltas, logits), placements, threshold=0.3, method="soft")
    assert soft.scores.min() < scores.min()
    assert len(decode(kind, (deltas, logits), placements, threshold=1.0, max_detections=2)[0]) == 2


def test_of_many_candidates_the_best_of_each_class_of_ssd_reach_nms(monkeypatch):
    monkeypatch.setattr(ssd_decode, "SSD_CANDIDATES", 3)
    deltas, logits = nothing("ssd")
    for place, row in enumerate(range(1000, 1080, 8)):
        answer("ssd", logits[0], [row], place % 2, [0.5, 0.6, 0.7, 0.7, 0.8][place // 2])
    (found,) = decode("ssd", (deltas, logits), [fit(SSD_SIZE, SSD_SIZE)], threshold=1.0)
    # five of each class; of the two of 0.7 each both belong to the best three
    for label in (0, 1):
        np.testing.assert_allclose(found.scores[found.labels == label], [0.8, 0.7, 0.7], rtol=1e-5)
    monkeypatch.setattr(ssd_decode, "SSD_CANDIDATES", 2)
    (found,) = decode("ssd", (deltas, logits), [fit(SSD_SIZE, SSD_SIZE)], threshold=1.0)
    # of equals the earlier: of class 0 the rows 1000, 1016, 1032, 1048, 1064, of which 1032 and 1064 are left
    np.testing.assert_allclose(found.boxes[found.labels == 0], SSD_GRID.boxes[[1064, 1032]].clip(0, 300), atol=1e-4)


def test_of_many_candidates_the_best_of_each_level_of_retinanet_reach_nms(monkeypatch):
    monkeypatch.setattr(retinanet_decode, "RETINANET_CANDIDATES", 25)
    rng = np.random.default_rng(0)
    deltas, logits = nothing("retinanet")
    logits = rng.integers(-4, 3, logits.shape).astype(np.float32)  # ties
    deltas = rng.normal(0, 0.2, deltas.shape).astype(np.float32)
    placement = fit((300, 180), PYRAMID_SIZE)
    (found,) = decode("retinanet", (deltas, logits), [placement], score=0.001, max_detections=30)
    chosen = []
    for level in range(5):
        rows, labels = np.divmod(np.arange(logits[0].size), CLASSES)
        flat = np.nonzero(PYRAMID_GRID.levels[rows] == level)[0]
        chosen += sorted(flat[np.argsort(-logits[0].reshape(-1)[flat], kind="stable")[:25]])
    rows, labels = np.divmod(np.array(chosen), CLASSES)
    scores = sigmoid(logits[0, rows, labels])
    boxes = placement.inverse(RETINANET_CODING.decode(deltas[0, rows], PYRAMID_GRID.boxes[rows]), clip=True)
    visible = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    boxes, scores, labels = boxes[visible], scores[visible], labels[visible]
    kept, _ = nms(boxes, scores, labels, threshold=0.5, max_detections=30)
    np.testing.assert_array_equal(found.boxes, boxes[kept])
    np.testing.assert_array_equal(found.labels, labels[kept])


def draw(kind, batch=2):
    """Logits (B, N, K) of many equal scores, scores that are nearly or, in float32, quite 1, and what isn't finite."""
    rng = np.random.default_rng(1)
    logits = rng.choice([-3, -0.5, -0.5 + 1e-7, 0, 2, 17, 18.5, 90], nothing(kind, batch)[1].shape).astype(np.float32)
    logits[1] = rng.normal(0, 1, logits[1].shape)
    for value in (np.nan, np.inf, -np.inf):
        logits[:, rng.integers(0, logits.shape[1], 40), rng.integers(0, logits.shape[2])] = value
    return logits


@pytest.mark.parametrize("score", [0.0, 0.3, 0.95])
@BOTH
def test_the_best_candidates_are_those_of_sorting_all_of_them(monkeypatch, kind, score):
    module, grid = (ssd_decode, SSD_GRID) if kind == "ssd" else (retinanet_decode, PYRAMID_GRID)
    monkeypatch.setattr(module, f"{kind.upper()}_CANDIDATES", 25)
    seen = []
    monkeypatch.setattr(module, "decode_anchors", lambda *args: seen.append(args[4]))
    logits = draw(kind)
    decode(kind, (None, logits), None, score=score)
    for of_image in logits:
        finite = np.isfinite(of_image).all(axis=1)
        clean = np.where(finite[:, None], of_image, 0)
        scores = np.exp(log_softmax(clean))[:, 1:] if kind == "ssd" else sigmoid(clean)
        scores[~finite] = -1
        wanted = []
        for group in range(CLASSES if kind == "ssd" else 5):
            rows, labels = np.divmod(np.arange(scores.size), CLASSES)
            own = np.flatnonzero((labels if kind == "ssd" else grid.levels[rows]) == group)
            own = own[scores.reshape(-1)[own] >= np.float32(score)]
            wanted += own[np.argsort(-scores.reshape(-1)[own], kind="stable")[:25]].tolist()
        rows, labels = np.divmod(np.sort(np.array(wanted, int)), CLASSES)
        found = seen[0](of_image)
        np.testing.assert_array_equal(found[0], rows)
        np.testing.assert_array_equal(found[1], labels)
        np.testing.assert_array_equal(found[2], scores[rows, labels])


@BOTH
def test_heads_that_do_not_answer_to_the_anchors_are_refused(kind):
    outputs = [output[:, :-1] for output in nothing(kind)]
    with pytest.raises(ValueError, match="anchors need as many rows an image"):
        decode(kind, outputs, [fit(size_of(kind), size_of(kind))])
