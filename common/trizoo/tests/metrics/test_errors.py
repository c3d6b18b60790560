"""Errors by kind, against a plain implementation of their definition that looks at one detection after the other."""

import copy
import math

import numpy as np
import pytest

from trizoo.metrics.coco_protocol import coco_of
from trizoo.metrics.detection import IOU_THRESHOLD, evaluate
from trizoo.metrics.errors import KINDS, errors_of
from trizoo.metrics.pool import gather, overlapping_pairs

BOX, FAR = [0, 0, 40, 40], [200, 0, 240, 40]


def errors(detections, truths, num_classes):
    pool = gather(detections, truths, num_classes)
    return errors_of(pool, coco_of(pool, overlapping_pairs(pool, IOU_THRESHOLD)))


def counts(found, place="0.50"):
    """{kind: count} of those that there are."""
    return {kind: row["count"] for kind, row in found["errors"][place].items() if row["count"]}


def plain_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if width * height > 0 else 0.0


def plain_ap(points, positives):
    """COCO's AP of one class: points (score, is true), ground truth to find."""
    points = sorted(points, key=lambda point: -point[0])
    curve, tp = [], 0
    for place, (_, is_true) in enumerate(points, 1):
        tp += is_true
        curve.append((tp / positives, tp / place))
    best = [
        max((precision for recall, precision in curve if recall >= at), default=0.0) for at in np.linspace(0, 1, 101)
    ]
    return sum(best) / len(best)


def plain_mean(points, positives):
    """points: {class: {name: (score, is true)}}, positives: {class: number}."""
    values = [plain_ap(list(points[label].values()), number) for label, number in positives.items() if number > 0]
    return sum(values) / len(values) if values else math.nan


def plain_errors(detections, truths, num_classes, threshold):
    """{kind: (count, cost)} without crowds and difficult ground truth, by the definition, one after the other."""
    points = {label: {} for label in range(num_classes)}
    positives = {label: sum(int((truth.labels == label).sum()) for truth in truths) for label in range(num_classes)}
    found = {kind: [] for kind in KINDS}
    best, missed = {}, []
    for image, (detection, truth) in enumerate(zip(detections, truths, strict=True)):
        taken = set()
        false = []
        ranked = sorted(range(len(detection.boxes)), key=lambda row: -detection.scores[row])
        overlap = np.array([[plain_iou(a, b) for b in truth.boxes.tolist()] for a in detection.boxes.tolist()])
        overlap = overlap.reshape(len(detection.boxes), len(truth.boxes))
        for row in ranked:
            label = int(detection.labels[row])
            free = [t for t in range(len(truth.boxes)) if truth.labels[t] == label and t not in taken]
            mine = max(free, key=lambda t: (overlap[row, t], t), default=None)
            is_true = mine is not None and overlap[row, mine] >= threshold
            if is_true:
                taken.add(mine)
            else:
                false.append(row)
            points[label][image, row] = (detection.scores[row], is_true)
        about = set()
        for row in false:
            own = [t for t in range(len(truth.boxes)) if truth.labels[t] == detection.labels[row]]
            other = [t for t in range(len(truth.boxes)) if truth.labels[t] != detection.labels[row]]
            near = max(own, key=lambda t: (overlap[row, t], -t), default=None)
            wrong = max(other, key=lambda t: (overlap[row, t], -t), default=None)
            near_iou = overlap[row, near] if own else 0.0
            wrong_iou = overlap[row, wrong] if other else 0.0
            target = None
            if 0.1 <= near_iou < threshold:
                kind, target = "localisation", near
            elif wrong_iou >= threshold:
                kind, target = "classification", wrong
            elif near_iou >= threshold:
                kind = "duplicate"
            elif max(near_iou, wrong_iou) <= 0.1:
                kind = "background"
            else:
                kind = "both"
            able = target is not None and target not in taken
            found[kind].append((image, row, target if able else None))
            if able:
                about.add(target)
                known = best.get((image, target))
                if known is None or detection.scores[row] > known[0]:
                    best[image, target] = (detection.scores[row], row)
        missed += [int(truth.labels[t]) for t in range(len(truth.boxes)) if t not in taken | about]
    before = plain_mean(points, positives)
    result = {}
    for kind in KINDS[:-1]:
        changed = copy.deepcopy(points)
        for image, row, target in found[kind]:
            score, _ = changed[int(detections[image].labels[row])].pop((image, row))
            if target is not None and best[image, target][1] == row:
                changed[int(truths[image].labels[target])][image, row] = (score, True)
        result[kind] = (len(found[kind]), plain_mean(changed, positives) - before)
    fewer = {label: number - missed.count(label) for label, number in positives.items()}
    result["missed"] = (len(missed), plain_mean(points, fewer) - before)
    return result


def make_plain_set(found, truth, seed):
    """Images with detections of every kind, without ties, crowds or difficult ground truth."""
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for image in range(24):
        count = 0 if image == 5 else rng.integers(1, 12)
        corner = rng.uniform(0, 120, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(20, 60, (count, 2))], axis=1)
        labels = rng.integers(0, 3, count)
        truths.append(truth(boxes, labels))
        number = 0 if image == 7 else rng.integers(1, 20)
        corner = rng.uniform(0, 140, (number, 2))
        guesses = np.concatenate([corner, corner + rng.uniform(20, 60, (number, 2))], axis=1)
        classes = rng.integers(0, 4, number)
        for row in range(number if count else 0):
            if rng.random() < 0.7:
                which = rng.integers(0, count)
                guesses[row] = boxes[which] + rng.uniform(-1, 1, 4) * rng.choice([1, 5, 9])
                classes[row] = labels[which] if rng.random() < 0.7 else rng.integers(0, 4)
        detections.append(found(guesses, rng.random(number), classes))
    return detections, truths


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("place", "threshold"), [("0.50", 0.5), ("0.75", 0.75)])
def test_kinds_and_costs_are_those_of_the_definition(found, truth, seed, place, threshold):
    detections, truths = make_plain_set(found, truth, seed)
    rows = errors(detections, truths, 4)["errors"][place]
    for kind, (count, cost) in plain_errors(detections, truths, 4, threshold).items():
        assert rows[kind]["count"] == count, kind
        assert rows[kind]["cost"] == pytest.approx(cost, abs=1e-12), kind
    assert all(row["count"] for row in rows.values())


def test_ap_by_threshold_is_cocos_with_crowds_and_ties(random_set):
    detections, truths = random_set(2)
    result = evaluate(detections, truths, list("abcde"))
    assert list(result["AP_at"]) == ["0.50", "0.55", "0.60", "0.65", "0.70", "0.75", "0.80", "0.85", "0.90", "0.95"]
    assert result["AP_at"]["0.50"] == result["mAP50"]
    assert result["AP_at"]["0.75"] == result["mAP75"]
    assert np.mean(list(result["AP_at"].values())) == pytest.approx(result["mAP"])


def test_nothing_is_lost_by_leaving_out_what_is_wrong(random_set):
    """Of crowds, difficult ground truth and ties too: a cost is never below 0."""
    for seed in range(4):
        for rows in errors(*random_set(seed), 5)["errors"].values():
            assert all(row["cost"] >= 0 for row in rows.values())


def test_one_error_of_each_kind(found, truth):
    """By hand, at 0.5 with ground truth 40x40: shifted by 20 the IoU is 20 / 60 = 0.33, by 10 it is 30 / 50 = 0.6."""
    there = [truth([BOX, FAR], [0, 1])]
    assert counts(errors([found([BOX, FAR], [0.9, 0.8], [0, 1])], there, 2)) == {}
    assert counts(errors([found([BOX, [20, 0, 60, 40]], [0.9, 0.8], [0, 0])], there, 2)) == {
        **{"localisation": 1, "missed": 1}
    }
    assert counts(errors([found([BOX, FAR], [0.9, 0.8], [0, 0])], there, 2)) == {"classification": 1}
    assert counts(errors([found([BOX, [10, 0, 50, 40]], [0.9, 0.8], [0, 0])], there, 2)) == {
        **{"duplicate": 1, "missed": 1}
    }
    assert counts(errors([found([BOX, [220, 0, 260, 40]], [0.9, 0.8], [0, 0])], there, 2)) == {"both": 1, "missed": 1}
    assert counts(errors([found([BOX, [99, 99, 120, 120]], [0.9, 0.8], [0, 0])], there, 2)) == {
        **{"background": 1, "missed": 1}
    }


def test_a_class_that_is_put_right_takes_its_scores_place_among_the_others(found, truth):
    """Class 0 by score: 0.9 (once right), nothing there at 0.7, right at 0.5. Precision 1 up to recall 1/2, then 2/3.

    Before it is 1/2 up to recall 1/2. 51 of 101 recalls are up to 1/2.
    """
    wrong = found([[99, 99, 120, 120], BOX, FAR], [0.7, 0.5, 0.9], [0, 0, 1])
    rows = errors([wrong], [truth([BOX, FAR], [0, 0])], 2)["errors"]["0.50"]
    after, before = (51 + 50 * 2 / 3) / 101, 51 / 2 / 101
    assert rows["classification"] == {"count": 1, "cost": pytest.approx(after - before)}


def test_a_loose_box_costs_at_a_high_threshold_alone(found, truth):
    """Shifted by 5 the IoU is 35 / 45 = 0.78, by 8 it is 32 / 48 = 0.67."""
    result = errors([found([[8, 0, 48, 40], [205, 0, 245, 40]], [0.9, 0.8], [0, 0])], [truth([BOX, FAR], [0, 0])], 1)
    assert counts(result, "0.50") == {}
    assert counts(result, "0.75") == {"localisation": 1}
    assert result["matched_iou"] == pytest.approx((32 / 48 + 35 / 45) / 2)
    # the second of two is true: recall 1/2 at precision 1/2, 51 of 101 recalls; put right all of them are found
    assert result["errors"]["0.75"]["localisation"]["cost"] == pytest.approx(1 - 51 / 101 / 2)


def test_missed_ground_truth_isnt_asked_for_and_a_class_that_is_missed_whole_leaves_the_mean(found, truth):
    """Class 0 has one of two: AP 51 / 101; class 1 has none. Without what is missed class 0 is whole, and alone."""
    result = errors([found([BOX], [0.9], [0])], [truth([BOX, FAR, [99, 99, 120, 120]], [0, 0, 1])], 2)
    assert result["errors"]["0.50"]["missed"] == {"count": 2, "cost": pytest.approx(1 - 51 / 101 / 2)}


def test_difficult_and_crowded_ground_truth_is_no_error(found, truth):
    there = truth([BOX, FAR], [0, 0], difficult=[True, False], crowd=[False, True])
    result = errors([found([BOX, FAR, FAR], [0.9, 0.8, 0.7], [0, 0, 0])], [there], 1)
    assert counts(result) == {}
    assert all(math.isnan(row["cost"]) for row in result["errors"]["0.50"].values())


def test_without_detections_all_is_missed_and_without_anything_nothing_is_known(found, truth):
    result = evaluate([found()], [truth([BOX], [0])], ("a",))
    assert result["errors"]["0.50"]["missed"] == {"count": 1, "cost": None}
    assert result["matched_iou"] is None
    result = evaluate([], [], ("a",))
    assert result["AP_at"]["0.50"] is None
    assert result["errors"]["0.75"]["background"] == {"count": 0, "cost": None}
