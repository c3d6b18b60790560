import numpy as np
import pytest

from trizoo.metrics.confusion import confusion_matrix, confusion_matrix_of, mistakes_of, paired
from trizoo.metrics.pool import gather

BOX, OTHER, ELSEWHERE = [0, 0, 40, 40], [100, 0, 140, 40], [200, 200, 240, 240]


def test_right_wrong_missed_and_invented(found, truth):
    truths = [truth([BOX, OTHER, [300, 0, 340, 40]], [0, 0, 1])]
    detections = [found([BOX, OTHER, ELSEWHERE], [0.9, 0.8, 0.7], [0, 1, 1])]
    matrix = confusion_matrix(detections, truths, 2)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_the_greatest_iou_goes_first_whatever_the_score(found, truth):
    detections = [found([[0, 4, 40, 44], BOX], [0.9, 0.5], [1, 0])]
    assert confusion_matrix(detections, [truth([BOX], [0])], 2).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_of_equal_iou_the_higher_score_then_the_right_class_is_paired(found, truth):
    detections = [found([BOX, BOX], [0.5, 0.9], [0, 1])]
    assert confusion_matrix(detections, [truth([BOX], [0])], 2).tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    two_truths = [truth([BOX, BOX], [0, 1])]
    assert confusion_matrix([found([BOX], [0.9], [1])], two_truths, 2).tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_score_and_iou_have_inclusive_limits(found, truth):
    truths = [truth([BOX], [0])]
    half = found([[0, 0, 40, 20]], [0.3], [0])  # IoU 0.5
    assert confusion_matrix([half], truths, 1, score=0.3, iou_threshold=0.5).tolist() == [[1, 0], [0, 0]]
    assert confusion_matrix([half], truths, 1, score=0.31, iou_threshold=0.5).tolist() == [[0, 1], [0, 0]]
    assert confusion_matrix([half], truths, 1, score=0.3, iou_threshold=0.51).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("flag", ["difficult", "crowd"])
def test_difficult_and_crowd_have_no_row_and_hide_what_overlaps_them(found, truth, flag):
    truths = [truth([BOX, OTHER], [0, 0], **{flag: [True, False]})]
    detections = [found([BOX, BOX, OTHER], [0.9, 0.8, 0.7], [0, 1, 0])]
    assert confusion_matrix(detections, truths, 2).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_rows_sum_to_the_counted_truths(random_set):
    detections, truths = random_set(8)
    matrix = confusion_matrix(detections, truths, 5)
    labels = np.concatenate([item.labels[~item.difficult & ~item.crowd] for item in truths])
    assert matrix.sum(axis=1)[:5].tolist() == np.bincount(labels, minlength=5).tolist()
    assert np.trace(matrix) > 10
    assert matrix[5, 5] == 0


def test_columns_sum_to_the_detections(random_set, truth):
    detections, truths = random_set(9)
    truths = [truth(item.boxes, item.labels) for item in truths]
    labels = np.concatenate([item.labels[item.scores >= np.float32(0.5)] for item in detections])
    matrix = confusion_matrix(detections, truths, 5)
    assert matrix.sum(axis=0)[:5].tolist() == np.bincount(labels, minlength=5).tolist()


def test_empty_input_gives_zeros(found, truth):
    assert confusion_matrix([], [], 2).tolist() == [[0] * 3] * 3
    assert confusion_matrix([found()], [truth()], 2).tolist() == [[0] * 3] * 3


def test_mistakes_are_counted_in_each_image(found, truth):
    truths = [truth([BOX, OTHER], [0, 1]), truth(), truth([BOX, OTHER], [0, 0], difficult=[True, False])]
    detections = [
        found([BOX, OTHER, ELSEWHERE], [0.9, 0.9, 0.9], [1, 1, 0]),  # one of another class, one of nothing
        found([BOX, OTHER], [0.9, 0.4], [0, 0]),  # the second is below the score
        found([BOX], [0.9], [0]),  # of a difficult one, which counts nowhere
    ]
    pool = gather(detections, truths, 2)
    mistakes = {name: counts.tolist() for name, counts in mistakes_of(pool, paired(pool, 0.5, 0.5)).items()}
    assert mistakes == {"missed": [0, 0, 1], "false": [1, 1, 0], "confused": [1, 0, 0]}


def test_mistakes_sum_to_the_matrix(random_set):
    pool = gather(*random_set(8), 5)
    pairs = paired(pool, 0.3, 0.5)
    matrix = confusion_matrix_of(pool, pairs)
    mistakes = {name: counts.sum() for name, counts in mistakes_of(pool, pairs).items()}
    assert mistakes["missed"] == matrix[:5, 5].sum() > 0
    assert mistakes["false"] == matrix[5, :5].sum() > 0
    assert mistakes["confused"] == matrix[:5, :5].sum() - np.trace(matrix) > 0
