import math

import numpy as np
import pytest

from trizoo.families.anchored.grid import AnchorGrid
from trizoo.families.retinanet.anchors import KERAS_RETINANET_CODING, RETINANET_CODING, retinanet_grid
from trizoo.families.retinanet.reference import retinanet_loss, retinanet_loss_gradients
from trizoo.families.retinanet.targets import assign

# 20 squares in a row, 10 pixels apart
GRID = AnchorGrid(np.array([[x, 0, x + 8, 8] for x in range(0, 200, 10)], np.float32), np.zeros(20, np.int64))
CLASSES = 3
LN2 = math.log(2)  # binary cross-entropy of logit 0; the focal weight of a probability of 0.5 is 0.25 with gamma 2


def targets_of(*images):
    """Targets of images whose boxes are these of the anchors, of class 0, 1, 2, 0 …"""
    return assign([GRID.boxes[list(image)] for image in images], [np.arange(len(i)) % 3 for i in images], GRID, CLASSES)


def zeros(batch=1, anchors=20):
    return np.zeros((batch, anchors, 4)), np.zeros((batch, anchors, CLASSES))


def random_case(seed):
    """Random outputs of a small grid, and targets with an empty image, a tiny box and equals in them."""
    rng = np.random.default_rng(seed)
    grid = retinanet_grid((48, 32))  # 6 * 4 + 3 * 2 + 2 * 1 + 1 + 1 = 34 cells
    centres, sides = rng.uniform(0, 40, (5, 2)), np.exp(rng.uniform(3, 4, (5, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    boxes = np.concatenate([boxes, boxes[:1], [[40.3, 20.2, 41.3, 21.2]]]).astype(np.float32)
    images = [boxes, boxes[:0], boxes[2:4]]
    targets = assign(images, [np.arange(len(image)) % 3 for image in images], grid, CLASSES)
    outputs = [rng.normal(0, 2, (3, 34 * 9, width)) for width in (4, CLASSES)]
    return outputs, targets, grid


def test_the_class_term_by_hand():
    # 40 anchors of 3 classes, 2 of them right answers: those weigh 0.25 * 0.25, the others 0.75 * 0.25; over 2
    terms = retinanet_loss(zeros(2), targets_of([4, 9], []), GRID)
    np.testing.assert_allclose(terms["class"], (2 * 0.25 + 118 * 0.75) * 0.25 * LN2 / 2)
    assert terms["box"] == 0
    assert terms["loss"] == terms["class"]
    # gamma 0 and no alpha: plain cross-entropy
    terms = retinanet_loss(zeros(2), targets_of([4, 9], []), GRID, gamma=0, alpha=None)
    np.testing.assert_allclose(terms["class"], 120 * LN2 / 2)


def test_ignored_anchors_do_not_count():
    targets = targets_of([0])
    before = retinanet_loss(zeros(), targets, GRID)["class"]
    targets["matches"][0, 5:7] = -2
    after = retinanet_loss(zeros(), targets, GRID)["class"]
    np.testing.assert_allclose(before - after, 6 * 0.75 * 0.25 * LN2)
    assert not retinanet_loss_gradients(zeros(), targets, GRID)[1][0, 5:7].any()


def test_an_image_without_boxes_is_all_background():
    outputs, targets = zeros(), targets_of([])
    np.testing.assert_allclose(retinanet_loss(outputs, targets, GRID)["class"], 60 * 0.75 * 0.25 * LN2)
    of_deltas, of_logits = retinanet_loss_gradients(outputs, targets, GRID)
    assert not of_deltas.any()
    assert (of_logits > 0).all()


def test_the_box_term_by_hand():
    deltas, logits = zeros()
    deltas[0, 4] = [1, -0.5, 0, 0.05]
    deltas[0, 11] = 7  # an anchor without a box
    targets = targets_of([4, 9])
    np.testing.assert_allclose(retinanet_loss((deltas, logits), targets, GRID)["box"], 1.55 / 2)
    # smooth L1 of keras-retinanet: beyond 1 / 9 less half of that, below 9 / 2 times the square
    terms = retinanet_loss((deltas, logits), targets, GRID, box_beta=1 / 9)
    np.testing.assert_allclose(terms["box"], (1 + 0.5 - 1 / 9 + 4.5 * 0.05**2) / 2)


def test_the_giou_term_by_hand():
    # the one to the right by a side: the boxes touch, and fill what is around them both: 1 - 0; exact ones: 0;
    # to the right by two sides, a third of what is around them is neither's: 1 + 1 / 3
    deltas, logits = zeros()
    deltas[0, 4, 0], deltas[0, 9, 0] = 1, -2
    deltas[0, 11] = 7  # an anchor without a box
    terms = retinanet_loss((deltas, logits), targets_of([4, 9, 13]), GRID, box="giou")
    np.testing.assert_allclose(terms["box"], (1 + 4 / 3 + 0) / 3)


def test_giou_counts_for_decoded_boxes_of_either_coding():
    deltas, logits = zeros()
    deltas[0, 4] = [0, 0, 2.5, 0]  # of corners: half a side wider, so 2 / 3 in common
    terms = retinanet_loss((deltas, logits), targets_of([4]), GRID, KERAS_RETINANET_CODING, box="giou")
    np.testing.assert_allclose(terms["box"], 1 / 3)
    deltas[0, 4] = [0, 0, math.log(2), math.log(3)]  # of centres: 1 / 6 in common
    np.testing.assert_allclose(retinanet_loss((deltas, logits), targets_of([4]), GRID, box="giou")["box"], 5 / 6)


def test_scores_that_learn_the_iou_by_hand():
    # the 4th is twice as wide as its box, an IoU of 1 / 2; the 9th is exact
    deltas, logits = zeros()
    deltas[0, 4, 2] = math.log(2)
    targets = targets_of([4, 9])
    for share, wanted in ((1, 0.5), (0.5, 0.75)):
        options = {"gamma": 0, "alpha": None, "score_iou": share}
        of_deltas, of_logits = retinanet_loss_gradients((deltas, logits), targets, GRID, **options, box_gain=0)
        np.testing.assert_allclose(of_logits[0, [4, 9], [0, 1]], [(0.5 - wanted) / 2, (0.5 - 1) / 2])
        assert not of_deltas.any()  # the IoU is a constant
    # |0.5 - 0.75| and |0.5 - 1|, of alpha's 0.25 * 0.75 + 0.75 * 0.25 and 0.25, beside 58 that are no answer
    terms = retinanet_loss((deltas, logits), targets, GRID, gamma=1, score_iou=0.5)
    np.testing.assert_allclose(terms["class"], (0.375 * 0.25 + 0.25 * 0.5 + 58 * 0.75 * 0.5) * LN2 / 2)


@pytest.mark.parametrize("box", ["l1", "giou"])
@pytest.mark.parametrize("coding", [RETINANET_CODING, KERAS_RETINANET_CODING])
def test_the_loss_is_none_where_the_heads_are_right(coding, box):
    _, targets, grid = random_case(0)
    matches = targets["matches"]
    boxes = np.take_along_axis(targets["boxes"], np.maximum(matches, 0)[..., None], axis=1)
    labels = np.take_along_axis(targets["labels"], np.maximum(matches, 0), axis=1)
    deltas = coding.encode(boxes.astype(np.float64), grid.boxes.astype(np.float64))
    logits = 200 * np.eye(CLASSES)[labels] * (matches >= 0)[..., None] - 100
    np.testing.assert_allclose(retinanet_loss((deltas, logits), targets, grid, coding, box=box)["loss"], 0, atol=1e-9)


def test_gains_multiply_their_terms():
    outputs, targets, grid = random_case(0)
    plain = retinanet_loss(outputs, targets, grid)
    gained = retinanet_loss(outputs, targets, grid, box_gain=3, class_gain=0.5)
    np.testing.assert_allclose([gained["box"], gained["class"]], [plain["box"] * 3, plain["class"] / 2])
    np.testing.assert_allclose(gained["loss"], gained["box"] + gained["class"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gamma": 0.0, "alpha": None, "box_beta": 1 / 9, "box_gain": 2.0, "class_gain": 0.3},
        {"coding": KERAS_RETINANET_CODING, "gamma": 1.5, "alpha": 0.6},
        {"box": "giou", "box_gain": 2.0},
        {"class_weights": (0.5, 3.0, 1.0)},
        {"score_iou": 0.7, "gamma": 1.5},
    ],
    ids=["default", "other numbers", "other coding", "giou", "weighted", "IoU"],
)
def test_gradients_are_those_of_finite_differences(options):
    outputs, targets, grid = random_case(5)
    gradients = retinanet_loss_gradients(outputs, targets, grid, **options)
    rng = np.random.default_rng(0)
    matched = np.argwhere(targets["matches"] >= 0)[:60]
    ignored = np.argwhere(targets["matches"] == -2)[:10]
    assert len(ignored)
    for output, gradient, term in zip(outputs, gradients, ("box", "class"), strict=True):
        assert gradient.shape == output.shape
        anywhere = np.stack([rng.integers(0, [3, 34 * 9]) for _ in range(60)])
        for image, anchor in np.concatenate([matched, ignored, anywhere]):
            for column in range(output.shape[-1]):
                at, values = (image, anchor, column), []
                for step in (1e-6, -1e-6):
                    moved = output.copy()
                    moved[at] += step
                    moved_heads = [moved if h is output else h for h in outputs]
                    values.append(retinanet_loss(moved_heads, targets, grid, **options)[term])
                np.testing.assert_allclose(gradient[at], (values[0] - values[1]) / 2e-6, atol=1e-6)


def test_heads_that_do_not_answer_to_the_anchors_are_refused():
    with pytest.raises(ValueError, match=r"outputs have shapes \(1, 19, 4\) and \(1, 19, 3\); the targets and anchors"):
        retinanet_loss(zeros(anchors=19), targets_of([4]), GRID)
