import numpy as np
import pytest

from trizoo.augment.letterbox import Placement
from trizoo.families.base.decode import after_nms, suppressed
from trizoo.ground.boxes import voted

BOXES = np.array([[0, 0, 20, 20], [2, 0, 22, 20], [60, 60, 80, 80]], np.float32)
SCORES, LABELS = np.array([0.5, 0.9, 0.7], np.float32), np.array([4, 4, 4])


@pytest.mark.parametrize("method", ["hard", "vote"])
def test_a_vote_moves_what_nms_keeps_and_nothing_else(method):
    found = after_nms(BOXES, SCORES, LABELS, threshold=0.5, method=method)
    expected = BOXES[[1, 2]] if method == "hard" else voted(BOXES, SCORES, LABELS, np.array([1, 2]))
    np.testing.assert_array_equal(found.boxes, expected)
    np.testing.assert_array_equal(found.scores, SCORES[[1, 2]])
    assert found.labels.tolist() == [4, 4]
    assert (found.boxes[0, 0] < 2) == (method == "vote")


def test_votes_count_in_the_originals_pixels_and_leave_boxes_on_the_image():
    half = Placement((100, 80), (50, 40), (50, 40), 0, 0)  # the image at half its size
    found = suppressed(BOXES / 2, SCORES, LABELS, half, threshold=0.5, method="vote")
    np.testing.assert_allclose(found.boxes, voted(BOXES, SCORES, LABELS, np.array([1, 2])), rtol=1e-6)
    assert (found.boxes >= 0).all()
