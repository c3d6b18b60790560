import math
from dataclasses import replace

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.base.terms import binary_cross_entropy, focal_weight, sigmoid
from trizoo.families.yolo.coding import decode_boxes, log_factors, place_in_cell
from trizoo.families.yolo.grid import cells_per_head, flatten_outputs, yolo_grid
from trizoo.families.yolo.reference import yolo_loss, yolo_loss_gradients
from trizoo.families.yolo.spec import YOLOLoss
from trizoo.families.yolo.targets import assign
from trizoo.ground.boxes import IOU_KINDS, aspect_penalty, cxcywh_to_xyxy, overlap

SPEC = model_spec("yolov3-tiny", 2)
SENSITIVE = replace(SPEC, scale_xy=(1.05, 1.1))
SQUARED = replace(SPEC, scale_xy=(2.0, 2.0), coding="squared")
BOX_TERMS = [*IOU_KINDS, "mse"]
SMALL = (32, 32)  # outputs of 1 x 1 and 2 x 2 cells: 3 + 12 predictions
LN2 = math.log(2)  # binary cross-entropy of logit 0
ALL = 3 * 0.4 + 12 * 1.0  # the objectness weights of all predictions of an image of SMALL, by `balance`


def targets_of(*images, size=SMALL, spec=SPEC, **matching):
    """Targets of images given as lists of cxcywh boxes, of class 0, 1, 0 …"""
    boxes = [cxcywh_to_xyxy(np.array(image, np.float32).reshape(-1, 4)) for image in images]
    return assign(boxes, [np.arange(len(b)) % 2 for b in boxes], spec, size, **matching)


def zeros(batch=1, size=SMALL):
    return [np.zeros((batch, rows, columns, 3, 7)) for columns, rows in cells_per_head(SPEC, size)]


def random_case(seed, size=(96, 64), batch=3, loss=None, spec=SPEC):
    """Random outputs, and targets with an empty image, a 1-pixel box and a collision in them."""
    rng = np.random.default_rng(seed)
    boxes = [*np.concatenate([rng.random((6, 2)) * size, np.exp(rng.uniform(1, 4.5, (6, 2)))], axis=1).tolist()]
    images = [[*boxes, boxes[0], (40.3, 20.2, 1, 1)], [], boxes[2:5]][:batch]
    outputs = [rng.normal(0, 1, output.shape) for output in zeros(batch, size)]
    loss = loss or YOLOLoss()
    matching = {key: getattr(loss, key) for key in ("match_iou", "match_ratio", "cells", "aligned")}
    return outputs, targets_of(*images, size=size, spec=spec, **matching), spec, loss, size


def test_sigmoid_and_cross_entropy_by_hand_and_far_out():
    np.testing.assert_allclose(sigmoid(np.array([0, math.log(3), -1000, 1000])), [0.5, 0.75, 0, 1], atol=1e-30)
    assert sigmoid(np.array([-500, 3], np.float32)).dtype == np.float32
    # -log(0.75) for target 1, -log(0.25) for target 0; far out the logit itself
    logits, wanted = np.array([math.log(3), math.log(3), 1e4, -1e4]), np.array([1, 0, 0, 0])
    np.testing.assert_allclose(binary_cross_entropy(logits, wanted), [-math.log(0.75), -math.log(0.25), 1e4, 0])


def test_decoded_boxes_by_hand():
    # centre (0.5 + 3, 0.75 + 1) * 16, sides 10 and 2 * 14
    raw, cells = np.array([0, math.log(3), 0, LN2]), np.array([3, 1])
    boxes = decode_boxes(raw, cells, np.array(16.0), np.array([10.0, 14.0]), np.array(1.0))
    np.testing.assert_allclose(boxes, [56 - 5, 28 - 14, 56 + 5, 28 + 14])
    huge = decode_boxes(np.array([0, 0, 1e9, -1e9]), cells, np.array(16.0), np.array([10.0, 14.0]), np.array(1.0))
    np.testing.assert_allclose(huge[2] - huge[0], 10 * math.exp(8))
    # with a scale of 1.2 the centre is at 0.5 * 1.2 - 0.1 = 0.5 and 0.75 * 1.2 - 0.1 = 0.8
    boxes = decode_boxes(raw, cells, np.array(16.0), np.array([10.0, 14.0]), np.array(1.2))
    np.testing.assert_allclose(boxes, [56 - 5, 28.8 - 14, 56 + 5, 28.8 + 14])


def test_squared_sides_by_hand_and_far_out():
    # (2 * 0.75)^2 = 2.25 of the width, (2 * 0.25)^2 = 0.25 of the height
    raw, place = np.array([0, 0, math.log(3), -math.log(3)]), (np.array([3, 1]), np.array(16.0), np.array([10.0, 14.0]))
    boxes = decode_boxes(raw, *place, np.array(2.0), "squared")
    np.testing.assert_allclose(boxes, [56 - 11.25, 24 - 1.75, 56 + 11.25, 24 + 1.75])
    far = decode_boxes(np.array([0, 0, 1e9, -1e9]), *place, np.array(2.0), "squared")
    np.testing.assert_allclose(far[2:] - far[:2], [40, 0], atol=1e-30)
    np.testing.assert_allclose(np.exp(log_factors(raw[2:], "squared")), [2.25, 0.25])


def test_a_scale_above_one_reaches_the_cells_borders_and_one_is_the_sigmoid_to_the_last_bit():
    raw = np.random.default_rng(0).normal(0, 4, (1000, 2)).astype(np.float32)
    np.testing.assert_array_equal(place_in_cell(raw, np.ones(1000, np.float32)), sigmoid(raw))
    far = place_in_cell(np.array([[-50.0, 50.0]]), np.array([1.2]))
    np.testing.assert_allclose(far, [[-0.1, 1.1]])


def test_focal_weights_by_hand_and_far_out():
    # probability 0.75: wrong by 0.25 for a positive, by 0.75 for a negative
    logits, positives = np.full(2, math.log(3)), np.array([1, 0])
    weight, _ = focal_weight(logits, positives, 2, 0.25)
    np.testing.assert_allclose(weight, [0.25 * 0.25**2, 0.75 * 0.75**2])
    np.testing.assert_allclose(focal_weight(logits, positives, 2, None)[0], [0.25**2, 0.75**2])
    np.testing.assert_array_equal(focal_weight(logits, positives, 0, None)[0], 1)
    wanted = np.array([0.75, 0.5])  # quality focal loss: the distance from what is wanted
    np.testing.assert_allclose(focal_weight(logits, wanted, 2, None)[0], [0, 0.25**2], atol=1e-30)
    np.testing.assert_allclose(focal_weight(logits, wanted, 1, 0.4)[0], [0, 0.25 * 0.5], atol=1e-15)
    weight, slope = focal_weight(np.array([1e4, 1e4, -1e4, -1e4]), np.array([1, 0, 1, 0]), 2, None)
    np.testing.assert_allclose(weight, [0, 1, 1, 0], atol=1e-60)
    np.testing.assert_allclose(slope, 0, atol=1e-30)


@pytest.mark.parametrize(("gamma", "alpha"), [(2, None), (1.5, 0.4), (0.5, 0.25), (0, 0.3)])
def test_the_focal_weights_slope_is_that_of_finite_differences(gamma, alpha):
    logits, wanted = np.linspace(-4, 4, 9), np.array([0, 1, 0.3, 0, 0.8, 1, 0.1, 0.6, 0])
    above, below = (focal_weight(logits + step, wanted, gamma, alpha)[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(
        focal_weight(logits, wanted, gamma, alpha)[1], (above - below) / 2e-6, rtol=1e-5, atol=1e-9
    )


@pytest.mark.parametrize("kind", BOX_TERMS)
def test_a_perfect_box_costs_nothing(kind):
    # the second output's first anchor, 10 x 14, in its first cell, as logits of 0 decode it
    terms = yolo_loss(zeros(), targets_of([(8, 8, 10, 14)]), SPEC, YOLOLoss(box=kind), SMALL)
    assert terms == pytest.approx({"box": 0, "objectness": ALL * LN2, "class": 2 * LN2, "loss": (ALL + 2) * LN2})


def test_a_box_twice_as_wide_by_hand():
    targets = targets_of([(8, 8, 20, 14)])  # IoU 1/2 with the anchor, same centre and hull
    for kind, cost in {"iou": 0.5, "giou": 0.5, "diou": 0.5, "mse": (2 - 20 * 14 / 1024) * LN2**2 / 2}.items():
        terms = yolo_loss(zeros(), targets, SPEC, YOLOLoss(box=kind, box_gain=3), SMALL)
        assert terms["box"] == pytest.approx(3 * cost)
    # sides differ by 10 of 20 in width; the hull is 20 wide too
    for kind, cost in {"eiou": 0.5 + (10 / 20) ** 2, "siou": 0.5 + (1 - math.exp(-10 / 20)) ** 4 / 2}.items():
        assert yolo_loss(zeros(), targets, SPEC, YOLOLoss(box=kind), SMALL)["box"] == pytest.approx(2 * cost)
    v = 4 / math.pi**2 * (math.atan(20 / 14) - math.atan(10 / 14)) ** 2
    assert yolo_loss(zeros(), targets, SPEC, YOLOLoss(), SMALL)["box"] == pytest.approx(2 * (0.5 + v * v / (0.5 + v)))


def test_gains_multiply_their_terms():
    loss = YOLOLoss(objectness_gain=0.5, class_gain=3, balance=(2, 5, 9))
    terms = yolo_loss(zeros(), targets_of([(8, 8, 10, 14)]), SPEC, loss, SMALL)
    assert terms["objectness"] == pytest.approx(0.5 * (3 * 2 + 12 * 5) * LN2)
    assert terms["class"] == pytest.approx(3 * 2 * LN2)


@pytest.mark.parametrize("kind", BOX_TERMS)
def test_grid_sensitivity_moves_the_centre_that_the_box_term_sees(kind):
    # sigmoid(ln 3) = 0.75 is the place 0.75 * 1.2 - 0.1 = 0.8 of a cell of 16 pixels: 12.8
    outputs, spec = zeros(), replace(SPEC, scale_xy=(1.0, 1.2))
    outputs[1][..., :2] = math.log(3)
    targets = targets_of([(12.8, 12.8, 10, 14)])
    assert yolo_loss(outputs, targets, spec, YOLOLoss(box=kind), SMALL)["box"] == pytest.approx(0, abs=1e-6)
    assert yolo_loss(outputs, targets, SPEC, YOLOLoss(box=kind), SMALL)["box"] > 1e-3


def test_smoothed_classes_by_hand():
    # probability 0.75 of both classes; with 0.1 the first, which is right, is to be 0.95 and the other 0.05
    outputs, targets = zeros(), targets_of([(8, 8, 10, 14)])
    outputs[1][..., 5:] = math.log(3)
    terms = yolo_loss(outputs, targets, SPEC, YOLOLoss(label_smoothing=0.1), SMALL)
    one = -0.95 * math.log(0.75) - 0.05 * math.log(0.25)
    other = -0.05 * math.log(0.75) - 0.95 * math.log(0.25)
    assert terms["class"] == pytest.approx(one + other)
    plain = yolo_loss(outputs, targets, SPEC, YOLOLoss(), SMALL)
    assert plain["class"] == pytest.approx(-math.log(0.75) - math.log(0.25))
    assert (terms["box"], terms["objectness"]) == (plain["box"], plain["objectness"])


def test_smoothed_classes_are_best_short_of_certainty():
    outputs, targets = zeros(), targets_of([(8, 8, 10, 14)])
    outputs[1][0, 0, 0, 0, 5:] = math.log(0.95 / 0.05), math.log(0.05 / 0.95)
    gradient = yolo_loss_gradients(outputs, targets, SPEC, YOLOLoss(label_smoothing=0.1), SMALL)[1][0, 0, 0, 0]
    np.testing.assert_allclose(gradient[5:], 0, atol=1e-12)
    assert (np.abs(yolo_loss_gradients(outputs, targets, SPEC, YOLOLoss(), SMALL)[1][0, 0, 0, 0, 5:]) > 0.01).all()


def test_focal_objectness_by_hand():
    # logits of ln 3: one positive of probability 0.75, all other predictions are negatives of it
    outputs, targets = zeros(), targets_of([(8, 8, 10, 14)])
    for output in outputs:
        output[..., 4] = math.log(3)
    loss = YOLOLoss(focal_gamma=2, focal_alpha=0.25)
    positive, negative = -0.25 * 0.25**2 * math.log(0.75), -0.75 * 0.75**2 * math.log(0.25)
    terms, plain = (yolo_loss(outputs, targets, SPEC, options, SMALL) for options in (loss, YOLOLoss()))
    assert terms["objectness"] == pytest.approx(positive + (ALL - 1) * negative)
    assert plain["objectness"] == pytest.approx(-math.log(0.75) - (ALL - 1) * math.log(0.25))
    assert (terms["box"], terms["class"]) == (plain["box"], plain["class"])


def test_focal_gamma_of_zero_is_cross_entropy_to_the_last_bit_and_alpha_of_a_half_is_half_of_it():
    outputs, targets, *_, size = random_case(7)
    plain = yolo_loss(outputs, targets, SPEC, YOLOLoss(), size)
    assert yolo_loss(outputs, targets, SPEC, YOLOLoss(focal_gamma=0), size) == plain
    half = yolo_loss(outputs, targets, SPEC, YOLOLoss(focal_alpha=0.5), size)
    assert half["objectness"] == pytest.approx(plain["objectness"] / 2)


def test_focal_objectness_takes_most_from_what_is_right_already():
    outputs, targets = zeros(), targets_of([])  # all are negatives
    for logit in (-4, 4):
        for output in outputs:
            output[..., 4] = logit
        focal, plain = (yolo_loss(outputs, targets, SPEC, YOLOLoss(focal_gamma=g), SMALL)["objectness"] for g in (2, 0))
        assert focal / plain == pytest.approx(sigmoid(logit) ** 2)  # 0.0003 where right, 0.96 where wrong


def test_every_anchor_that_answers_for_a_box_learns_its_place_and_class():
    # 10x14 in the first cell; 23x27 fits it by 140 / 621 = 0.23
    one, two = (targets_of([(8, 8, 10, 14)], match_iou=match_iou) for match_iou in (1, 0.2))
    assert (one["num_positives"], two["num_positives"]) == (1, 2)
    for targets, positives in ((one, 1), (two, 2)):
        gradient = yolo_loss_gradients(zeros(), targets, SPEC, YOLOLoss(box="mse"), SMALL)[1][0, 0, 0]
        assert np.count_nonzero(gradient[:, 5]) == positives
        assert np.count_nonzero(gradient[:, 4] < 0) == positives
    # the second: log of 10 / 23 and 14 / 27; divided by two positives
    error = (math.log(10 / 23) ** 2 + math.log(14 / 27) ** 2) / 2
    terms = yolo_loss(zeros(), two, SPEC, YOLOLoss(box="mse", box_gain=1), SMALL)
    assert terms["box"] == pytest.approx((2 - 140 / 1024) * error / 2)
    assert terms["class"] == pytest.approx(2 * LN2)


def test_objectness_that_learns_the_iou_by_hand():
    # 20x28 about the centre of the 10x14's cell goes to the 23x27 there: 20 * 27 / (20 * 28 + 23 * 27 - 20 * 27) = 0.84
    targets, iou = targets_of([(8, 8, 20, 28)]), 20 * 27 / (20 * 28 + 23 * 27 - 20 * 27)
    for share in (1, 0.5):
        loss = YOLOLoss(objectness_iou=share)
        gradient = yolo_loss_gradients(zeros(), targets, SPEC, loss, SMALL)[1][0, 0, 0]
        assert gradient[1, 4] == pytest.approx(0.5 - (1 - share * (1 - iou)))
        assert gradient[0, 4] == 0.5


def test_of_a_boxs_predictions_those_stay_that_answer_best_and_the_first_of_those_alike():
    # 20x28 in the first cell of the second output: 0.25 of 10x14, 0.84 of 23x27, 560 / 2146 of 37x58
    matching, wanted = {"match_iou": 0.2, "aligned": 1}, [(8, 8, 20, 28), (24, 8, 20, 28)]
    loss, targets = YOLOLoss(ignore_iou=1, **matching), targets_of(wanted, **matching)
    assert (targets["positives"] >= 0).sum() == 6
    assert targets["num_positives"] == 2
    outputs = zeros()
    outputs[1][0, 0, 1, 1, 4] = -40  # the second box's 23x27 is sure that there is nothing
    gradients = yolo_loss_gradients(outputs, targets, SPEC, loss, SMALL)[1][0, 0]
    assert np.argwhere(gradients[..., 5:].any(axis=-1)).tolist() == [[0, 1], [1, 2]]  # cell, anchor
    assert gradients[0, :, 4] == pytest.approx([0.25, -0.25, 0.25])
    alike = replace(SPEC, anchors=(SPEC.anchors[0], (SPEC.anchors[1][1],) * 3))
    gradients = yolo_loss_gradients(zeros(), targets_of(wanted, spec=alike, **matching), alike, loss, SMALL)[1][0, 0]
    assert np.argwhere(gradients[..., 5:].any(axis=-1)).tolist() == [[0, 0], [1, 0]]


def test_a_prediction_that_overlaps_any_box_of_its_image_is_no_negative():
    # 37x58 in the middle belongs to the second output, cell (1, 1). With IoU above 0.3 overlap: the first's 81x82
    # (2146 / 6642 = 0.32) and the three other 37x58, 8 pixels off both ways: 29 * 50 / (2 * 2146 - 1450) = 0.51.
    # 23x27 doesn't: 22 * 27 / (2146 + 621 - 594) = 0.27
    targets = targets_of([(16, 16, 37, 58)], [])
    objectness = yolo_loss(zeros(2), targets, SPEC, YOLOLoss(ignore_iou=0.3), SMALL)["objectness"]
    assert objectness == pytest.approx((2 * 0.4 + 9 + ALL) * LN2)  # nothing is ignored in the other image


def test_an_overlap_of_just_the_threshold_is_not_ignored():
    targets = targets_of([(8, 8, 20, 28)])  # of the 23x27; the 10x14 in the same place overlaps by 140 / 560 = 0.25
    at, below = (yolo_loss(zeros(), targets, SPEC, YOLOLoss(ignore_iou=iou), SMALL) for iou in (0.25, 0.2499))
    assert at["objectness"] - below["objectness"] == pytest.approx(LN2)


def test_where_all_others_are_ignored_the_positive_still_counts():
    targets = targets_of([(16, 16, 344, 319)])
    assert yolo_loss(zeros(), targets, SPEC, YOLOLoss(ignore_iou=0), SMALL)["objectness"] == pytest.approx(0.4 * LN2)


def test_images_without_boxes_have_objectness_only():
    case = zeros(2), targets_of([], []), SPEC, YOLOLoss(), SMALL
    assert yolo_loss(*case) == pytest.approx({"box": 0, "class": 0, "objectness": 2 * ALL * LN2, "loss": 2 * ALL * LN2})
    for gradient in yolo_loss_gradients(*case):
        assert (gradient[..., 4] > 0).all()
        assert not np.delete(gradient, 4, axis=-1).any()


def test_parts_of_a_batch_sum_to_the_whole_when_divided_by_its_positives():
    outputs, targets, *rest = random_case(3)
    whole = yolo_loss(outputs, targets, *rest)
    parts = []
    for part in (slice(0, 1), slice(1, 3)):
        some = {name: array[part] if array.ndim else array for name, array in targets.items()}
        parts.append(yolo_loss([output[part] for output in outputs], some, *rest))
    assert {name: parts[0][name] + parts[1][name] for name in whole} == pytest.approx(whole)


def box_term_of_frozen_ciou(outputs, targets, spec, size, at):
    """CIoU's box term with the trade-off weight of the outputs `at`, as its paper has it for the gradient."""
    grid = yolo_grid(spec, size)
    image, slot = np.nonzero(targets["positives"] >= 0)
    index = targets["positives"][image, slot]
    place = (grid.cells[index], grid.strides[index], grid.anchors[index], grid.scales[index], spec.coding)
    boxes = targets["boxes"][image, targets["owners"][image, slot]].astype(np.float64)
    predicted, fixed = (decode_boxes(flatten_outputs(h)[image, index, :4], *place) for h in (outputs, at))
    v = aspect_penalty(fixed, boxes)
    weight = v / (1 - overlap(fixed, boxes) + v)
    costs = 1 - overlap(predicted, boxes, "diou") + weight * aspect_penalty(predicted, boxes)
    return YOLOLoss().box_gain * costs.sum() / targets["num_positives"]


@pytest.mark.parametrize(
    ("loss", "spec"),
    [
        *((YOLOLoss(box=kind), SPEC) for kind in BOX_TERMS),
        *((YOLOLoss(box=kind), SENSITIVE) for kind in BOX_TERMS),
        (YOLOLoss(label_smoothing=0.1, focal_gamma=2, focal_alpha=0.25), SPEC),
        (YOLOLoss(focal_gamma=0.5), SPEC),
        (YOLOLoss(label_smoothing=0.1, class_focal_gamma=1.5, class_weights=(0.5, 3)), SPEC),
        (YOLOLoss(match_iou=0.2), SENSITIVE),
        *((YOLOLoss(box=kind, match_ratio=4, cells=3), SQUARED) for kind in BOX_TERMS),
        (YOLOLoss(box="giou", match_ratio=4, cells=3, aligned=2), SQUARED),
    ],
    ids=repr,
)
def test_the_gradient_is_that_of_finite_differences(loss, spec):
    outputs, targets, _, _, size = random_case(4, loss=loss, spec=spec)
    gradients = yolo_loss_gradients(outputs, targets, spec, loss, size)
    assert [gradient.shape for gradient in gradients] == [output.shape for output in outputs]

    def total(changed):
        terms = yolo_loss(changed, targets, spec, loss, size)
        if loss.box == "ciou":
            return terms["loss"] - terms["box"] + box_term_of_frozen_ciou(changed, targets, spec, size, at=outputs)
        return terms["loss"]

    assert total(outputs) == pytest.approx(yolo_loss(outputs, targets, spec, loss, size)["loss"])
    rng = np.random.default_rng(5)
    for level, gradient in enumerate(gradients):
        chosen = np.argwhere(gradient != 0)
        geometry = chosen[chosen[:, -1] < 4]
        somewhere = np.array([rng.integers(0, side, 10) for side in gradient.shape]).T
        for place in map(tuple, np.concatenate([geometry[:20], rng.permutation(chosen)[:15], somewhere])):
            step = [np.zeros_like(output) for output in outputs]
            step[level][place] = 1e-6
            slope = (total([h + s for h, s in zip(outputs, step, strict=True)])
                     - total([h - s for h, s in zip(outputs, step, strict=True)])) / 2e-6  # fmt: skip
            assert gradient[place] == pytest.approx(slope, rel=1e-4, abs=1e-6), (level, place)


@pytest.mark.parametrize("kind", BOX_TERMS)
def test_extreme_logits_stay_finite(kind):
    outputs, targets, _, loss, size = random_case(6, loss=YOLOLoss(box=kind, focal_gamma=2, focal_alpha=0.25))
    for scale in (1e3, -1e3):
        extreme = [np.sign(output) * scale for output in outputs]
        assert np.isfinite(list(yolo_loss(extreme, targets, SPEC, loss, size).values())).all()
        assert all(np.isfinite(g).all() for g in yolo_loss_gradients(extreme, targets, SPEC, loss, size))


def test_heads_that_do_not_fit_the_size_are_refused():
    with pytest.raises(ValueError, match=r"outputs hold predictions of shape \(15, 7\); size \(64, 64\).* \(60, 7\)"):
        yolo_loss(zeros(), targets_of([]), SPEC, YOLOLoss(), (64, 64))
