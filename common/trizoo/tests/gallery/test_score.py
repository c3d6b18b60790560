import numpy as np

from trizoo.gallery.pipeline import Recognized
from trizoo.gallery.score import Score, score


def recognized(*things):
    """An image with things: (xmin of a box of 10x10, score, name)."""
    boxes = np.array([[xmin, 0, xmin + 10, 10] for xmin, _, _ in things], np.float32).reshape(-1, 4)
    scores = np.array([sure for _, sure, _ in things], np.float32)
    names = tuple(name for _, _, name in things)
    return Recognized(boxes, scores, names, scores, ((),) * len(names), (100, 10))


def boxes(*xmins):
    return np.array([[xmin, 0, xmin + 10, 10] for xmin in xmins], np.float32)


def test_known_and_unknown_things_are_counted_apart():
    found = [recognized((0, 0.9, "a"), (20, 0.8, "b"), (40, 0.7, None), (60, 0.6, "a")), recognized()]
    truth = [(boxes(1, 20, 40, 60, 80), ["a", "a", "x", "x", "a"]), (boxes(0), ["x"])]
    counted = score(found, truth, {"a": 8, "b": 8})
    # a at 80 and x of the second image have no box; b at 20 is wrong, a at 60 should be unknown
    assert counted == Score(known=3, unknown=3, found_known=2, found_unknown=2, named=1, refused=1)
    assert (counted.top1, counted.refusal) == (0.5, 0.5)
    assert "named rightly 1 (0.500" in str(counted)


def test_a_second_box_and_one_on_nothing_are_extra_and_the_surest_counts():
    found = [recognized((1, 0.5, "b"), (0, 0.9, "a"), (50, 0.8, None))]
    counted = score(found, [(boxes(0), ["a"])], {"a": 1})
    assert (counted.named, counted.extra, counted.extra_named) == (1, 2, 1)


def test_nothing_is_no_share():
    assert np.isnan(score([recognized()], [(boxes(), [])], {}).top1)
