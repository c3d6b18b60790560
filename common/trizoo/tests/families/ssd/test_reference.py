import math

import numpy as np
import pytest

from trizoo.families.anchored.grid import AnchorGrid
from trizoo.families.base.terms import log_softmax
from trizoo.families.retinanet.anchors import RETINANET_CODING
from trizoo.families.ssd.anchors import SSD_ANCHORS, SSD_CODING, ssd_grid
from trizoo.families.ssd.reference import hard_negatives, ssd_loss, ssd_loss_gradients
from trizoo.families.ssd.spec import SSDLoss
from trizoo.families.ssd.targets import assign

# 20 squares in a row, 10 pixels apart
GRID = AnchorGrid(np.array([[x, 0, x + 8, 8] for x in range(0, 200, 10)], np.float32), np.zeros(20, np.int64))
CLASSES = 3


def targets_of(*images):
    """Targets of images whose boxes are these of the anchors, of class 0, 1, 2, 0 …"""
    return assign([GRID.boxes[list(image)] for image in images], [np.arange(len(i)) % 3 for i in images], GRID, CLASSES)


def zeros(batch=1, anchors=20):
    return np.zeros((batch, anchors, 4)), np.zeros((batch, anchors, 1 + CLASSES))


def random_case(seed):
    """Random outputs of a small grid, and targets with an empty image, a tiny box and conflicts in them."""
    rng = np.random.default_rng(seed)
    whole = ssd_grid(SSD_ANCHORS["ssd300"])
    grid = AnchorGrid(whole.boxes[-190:], whole.levels[-190:])  # the levels of 5, 3 and 1 cells a side
    centres, sides = rng.uniform(0, 300, (5, 2)), np.exp(rng.uniform(3, 5.5, (5, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    boxes = np.concatenate([boxes, boxes[:1], [[40.3, 20.2, 41.3, 21.2]]]).astype(np.float32)
    images = [boxes, boxes[:0], boxes[2:4]]
    targets = assign(images, [np.arange(len(image)) % 3 for image in images], grid, CLASSES)
    outputs = [rng.normal(0, 2, (3, 190, width)) for width in (4, 1 + CLASSES)]
    return outputs, targets, grid


def test_log_softmax_by_hand_and_far_out():
    logs = log_softmax(np.array([[0, math.log(3), 0, 0], [1e4, 0, 0, -1e4]]))
    np.testing.assert_allclose(logs, np.array([np.log([1 / 6, 1 / 2, 1 / 6, 1 / 6]), [0, -1e4, -1e4, -2e4]]))


def test_each_positive_brings_three_negatives_of_its_own_image():
    # of 4 classes alike each cross-entropy is log 4; 2 + 1 positives, 6 + 3 negatives and 3 of the empty image, over 3
    terms = ssd_loss(zeros(3), targets_of([4, 9], [], [0]), GRID)
    np.testing.assert_allclose(terms["class"], 5 * math.log(4))
    np.testing.assert_allclose(
        ssd_loss(zeros(3), targets_of([4, 9], [], [0]), GRID, negatives=1)["class"], 7 / 3 * math.log(4)
    )
    assert terms["box"] == 0
    assert terms["loss"] == terms["class"]


def test_a_weight_counts_for_anchors_of_its_class_and_what_is_sure_counts_less():
    targets = targets_of([4, 9])  # of class 0 and 1, and six negatives
    plain = ssd_loss(zeros(), targets, GRID)["class"]
    weighted = ssd_loss(zeros(), targets, GRID, class_weights=(3, 1, 7))["class"]
    np.testing.assert_allclose(weighted - plain, 2 * math.log(4) / 2)
    # each right class has 1/4: (3/4)^2
    np.testing.assert_allclose(ssd_loss(zeros(), targets, GRID, focal_gamma=2)["class"], plain * 9 / 16)


def test_the_negatives_are_the_hardest_ones():
    deltas, logits = zeros()
    logits[0, :, 0] = 20  # all say background
    logits[0, 4] = [0, 20, 0, 0]  # and the positive its class
    logits[0, [7, 12], 2] = [25, 30]  # wrong by 5 and 10
    terms = ssd_loss((deltas, logits), targets_of([4]), GRID)
    np.testing.assert_allclose(terms["class"], 15, atol=0.01)  # log(1 + e^5) is 5.0067


def test_hard_negatives_by_hand():
    losses = np.array([[9, 5, 5, 1, 5, 9], [1, 2, 3, 4, 5, 6]])
    matches = np.array([[0, -1, -1, -1, -1, -2], [-1] * 6])
    # of three alike the first two; the ignored one never; of an image without boxes as many as of one box
    assert hard_negatives(losses, matches, 2).tolist() == [
        [False, True, True, False, False, False],
        [False, False, False, False, True, True],
    ]
    assert hard_negatives(losses, matches, 9)[0].tolist() == [False, True, True, True, True, False]


def test_a_broken_number_of_negatives_is_rounded_up_as_float32_has_it():
    losses, matches = np.zeros((1, 30)), np.array([[0] * 10 + [-1] * 20])
    assert hard_negatives(losses, matches, 1.1).sum() == 11  # 11.000000000000002 in float64
    assert hard_negatives(losses[:, 7:], matches[:, 7:], 0.5).sum() == 2


def test_the_box_term_by_hand():
    # a prediction one side too far right, which counts ten times, and half a unit too low; the other is exact
    deltas, logits = zeros()
    deltas[0, 4] = [10, 0.5, 0, 0]
    deltas[0, 11] = 7  # an anchor without a box
    terms = ssd_loss((deltas, logits), targets_of([4, 9]), GRID)
    np.testing.assert_allclose(terms["box"], (9.5 + 0.125) / 2)
    np.testing.assert_allclose(ssd_loss((deltas, logits), targets_of([4, 9]), GRID, box_beta=0)["box"], 10.5 / 2)


def test_scores_that_learn_the_iou_by_hand():
    # the 4th is twice as wide as its box, an IoU of 1 / 2; the 9th is exact
    deltas, logits = zeros()
    deltas[0, 4, 2] = math.log(2) * SSD_CODING.weights[2]
    logits[0, :, 0] = math.log(3)  # background 1 / 2, each class 1 / 6
    targets = targets_of([4, 9])
    for share, wanted in ((1, 0.5), (0.5, 0.75)):
        options = {"score_iou": share, "negatives": 0}
        of_deltas, of_logits = ssd_loss_gradients((deltas, logits), targets, GRID, **options, box_gain=0)
        expected = [0.5 - (1 - wanted), 1 / 6 - wanted, 1 / 6, 1 / 6], [0.5, 1 / 6, 1 / 6 - 1, 1 / 6]
        np.testing.assert_allclose(of_logits[0, [4, 9]], np.array(expected) / 2, atol=1e-12)
        assert not of_deltas.any()  # the IoU is a constant
        terms = ssd_loss((deltas, logits), targets, GRID, **options)
        by_hand = (wanted * math.log(6) + (1 - wanted) * math.log(2) + math.log(6)) / 2
        np.testing.assert_allclose(terms["class"], by_hand)


def test_gains_multiply_their_terms():
    outputs, targets, grid = random_case(0)
    plain, gained = ssd_loss(outputs, targets, grid), ssd_loss(outputs, targets, grid, box_gain=3, class_gain=0.5)
    np.testing.assert_allclose([gained["box"], gained["class"]], [plain["box"] * 3, plain["class"] / 2])
    np.testing.assert_allclose(gained["loss"], gained["box"] + gained["class"])


def test_the_loss_is_none_where_the_heads_are_right():
    _, targets, grid = random_case(0)
    matches = targets["matches"]
    boxes = np.take_along_axis(targets["boxes"], np.maximum(matches, 0)[..., None], axis=1)
    labels = np.take_along_axis(targets["labels"], np.maximum(matches, 0), axis=1)
    deltas = SSD_CODING.encode(boxes.astype(np.float64), grid.boxes.astype(np.float64))
    logits = 100 * np.eye(1 + CLASSES)[np.where(matches >= 0, labels + 1, 0)]
    np.testing.assert_allclose(ssd_loss((deltas, logits), targets, grid)["loss"], 0, atol=1e-9)


def test_a_batch_without_boxes_teaches_the_background_alone():
    outputs = [np.ones(output.shape) for output in zeros(2)]
    terms = ssd_loss(outputs, targets_of([], []), GRID)
    assert terms["box"] == 0
    np.testing.assert_allclose(terms["class"], 6 * math.log(4))  # three anchors of each image, over 1
    of_deltas, of_logits = ssd_loss_gradients(outputs, targets_of([], []), GRID)
    assert not of_deltas.any()
    assert np.count_nonzero(of_logits[..., 0]) == np.count_nonzero(of_logits[..., 0] < 0) == 6


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"box_beta": 0.0, "box_gain": 2.0, "class_gain": 0.3, "negatives": 1},
        {"coding": RETINANET_CODING},
        {"focal_gamma": 1.5, "class_weights": (0.5, 2.0, 1.0), "class_gain": 0.3},
        {"score_iou": 0.7, "class_weights": (0.5, 2.0, 1.0)},
    ],
    ids=["default", "other numbers", "other coding", "focal and weighted", "IoU and weighted"],
)
def test_gradients_are_those_of_finite_differences(options):
    outputs, targets, grid = random_case(5)
    gradients = ssd_loss_gradients(outputs, targets, grid, **options)
    rng = np.random.default_rng(0)
    matched = np.argwhere(targets["matches"] >= 0)
    for output, gradient, term in zip(outputs, gradients, ("box", "class"), strict=True):
        assert gradient.shape == output.shape
        anywhere = np.stack([rng.integers(0, [3, 190]) for _ in range(60)])
        for image, anchor in np.concatenate([matched, anywhere, np.argwhere(gradient.any(axis=-1))[:60]]):
            for column in range(output.shape[-1]):
                at, values = (image, anchor, column), []
                for step in (1e-6, -1e-6):
                    moved = output.copy()
                    moved[at] += step
                    values.append(
                        ssd_loss([moved if h is output else h for h in outputs], targets, grid, **options)[term]
                    )
                np.testing.assert_allclose(gradient[at], (values[0] - values[1]) / 2e-6, atol=1e-6)


def test_heads_that_do_not_answer_to_the_anchors_are_refused():
    with pytest.raises(ValueError, match=r"outputs have shapes \(1, 19, 4\) and \(1, 19, 4\); the targets and anchors"):
        ssd_loss(zeros(anchors=19), targets_of([4]), GRID)


def test_focal_loss_and_scores_of_ious_exclude_each_other():
    with pytest.raises(ValueError, match=r"focal_gamma is 2 and score_iou 0.5; one of them must be 0"):
        SSDLoss(focal_gamma=2, score_iou=0.5)
