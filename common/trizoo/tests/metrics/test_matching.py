import numpy as np

from trizoo.metrics.matching import match_coco, match_one_to_one, rank_in_group
from trizoo.metrics.pool import gather, overlapping_pairs


def test_rank_counts_earlier_members_of_the_group():
    assert rank_in_group(np.array([7, 3, 7, 7, 3])).tolist() == [0, 0, 1, 2, 1]
    assert rank_in_group(np.zeros(0, int)).tolist() == []


def test_one_to_one_takes_pairs_in_order_of_preference():
    # 0-0 is taken; 0-1 and 1-0 lose an end to it; 1-1 is then free
    assert sorted(match_one_to_one(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))) == [0, 3]


def test_one_to_one_equals_a_sequential_greedy_run():
    rng = np.random.default_rng(0)
    for _ in range(50):
        detection, truth = rng.integers(0, 8, 30), rng.integers(0, 8, 30)
        used_detections, used_truths, expected = set(), set(), []
        for index, (one, other) in enumerate(zip(detection, truth, strict=True)):
            if one not in used_detections and other not in used_truths:
                used_detections.add(one)
                used_truths.add(other)
                expected.append(index)
        assert sorted(match_one_to_one(detection, truth)) == expected


def test_coco_prefers_a_truth_that_is_not_ignored_to_a_nearer_ignored_one(found, truth):
    truths = [truth([[0, 0, 40, 40], [0, 8, 40, 48]], [0, 0])]
    pool = gather([found([[0, 0, 40, 40]], [0.9], [0])], truths, 1)
    pairs = overlapping_pairs(pool, 0.5)  # IoU 1 and 32 / 48 = 0.67
    ignored = np.array([[True, False], [False, False]])
    candidates, matched = match_coco(pool, pairs, np.array([0.5, 0.75]), ignored)
    assert candidates.tolist() == [0]
    # at 0.75 only the ignored one is near enough
    assert matched.tolist() == [[[1, 0], [0, 0]]]


def test_coco_gives_a_truth_to_the_better_detection_and_the_next_to_the_other(found, truth):
    truths = [truth([[0, 0, 40, 40], [0, 4, 40, 44]], [0, 0])]
    pool = gather([found([[0, 1, 40, 41], [0, 0, 40, 40]], [0.9, 0.8], [0, 0])], truths, 1)
    _, matched = match_coco(pool, overlapping_pairs(pool, 0.5), np.array([0.5]), np.zeros((2, 1), bool))
    assert matched[:, 0, 0].tolist() == [0, 1]


def test_coco_takes_the_last_of_equally_near_truths(found, truth):
    box = [0, 0, 40, 40]
    pool = gather([found([box, box], [0.9, 0.8], [0, 0])], [truth([box, box], [0, 0])], 1)
    _, matched = match_coco(pool, overlapping_pairs(pool, 0.5), np.array([0.5]), np.zeros((2, 1), bool))
    assert matched[:, 0, 0].tolist() == [1, 0]
