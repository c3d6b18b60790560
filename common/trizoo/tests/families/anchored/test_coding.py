import math

import numpy as np
import pytest

from trizoo.families.retinanet.anchors import KERAS_RETINANET_CODING, RETINANET_CODING
from trizoo.families.ssd.anchors import SSD_CODING

CODINGS = [SSD_CODING, RETINANET_CODING, KERAS_RETINANET_CODING]
ANCHOR = np.array([10.0, 20.0, 30.0, 60.0])  # 20 x 40 about (20, 40)


@pytest.mark.parametrize("coding", CODINGS)
def test_decoding_undoes_encoding(coding):
    rng = np.random.default_rng(0)
    low = rng.uniform(-50, 300, (2, 50, 2))
    boxes, anchors = np.concatenate([low, low + np.exp(rng.uniform(0, 4, (2, 50, 2)))], axis=2)
    np.testing.assert_allclose(coding.decode(coding.encode(boxes, anchors), anchors), boxes, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("coding", CODINGS)
def test_an_anchor_is_no_offset_from_itself_and_the_dtype_stays(coding):
    anchors = ANCHOR.astype(np.float32)[None]
    deltas = coding.encode(anchors, anchors)
    assert not deltas.any()
    assert deltas.dtype == coding.decode(deltas, anchors).dtype == np.float32


def test_centre_deltas_by_hand():
    # 40 x 20 about (30, 30): half a side to the right, a quarter up, twice as wide, half as high
    box = np.array([10.0, 20.0, 50.0, 40.0])
    wanted = np.array([0.5, -0.25, math.log(2), -math.log(2)])
    np.testing.assert_allclose(RETINANET_CODING.encode(box, ANCHOR), wanted)
    np.testing.assert_allclose(SSD_CODING.encode(box, ANCHOR), wanted * [10, 10, 5, 5])
    np.testing.assert_allclose(SSD_CODING.decode(wanted * [10, 10, 5, 5], ANCHOR), box)


def test_corner_deltas_by_hand():
    # xmin 4 of 20 to the right, ymin 8 of 40 up, xmax where it is, ymax 40 of 40 down; each divided by 0.2
    box = np.array([14.0, 12.0, 30.0, 100.0])
    np.testing.assert_allclose(KERAS_RETINANET_CODING.encode(box, ANCHOR), [1, -1, 0, 5])
    np.testing.assert_allclose(KERAS_RETINANET_CODING.decode(np.array([1.0, -1, 0, 5]), ANCHOR), box)


def test_anchors_grow_at_most_62_and_a_half_times():
    box = RETINANET_CODING.decode(np.array([0, 0, 1e9, 4.2]), ANCHOR)
    np.testing.assert_allclose(box[2:] - box[:2], [20 * 62.5, 40 * 62.5])  # log(62.5) = 4.135
    box = SSD_CODING.decode(np.array([0, 0, 5 * 4.0, 5 * 4.2]), ANCHOR)
    np.testing.assert_allclose(box[2:] - box[:2], [20 * math.exp(4), 40 * 62.5])


def test_a_box_without_area_has_finite_deltas():
    assert np.isfinite(SSD_CODING.encode(np.zeros(4), ANCHOR)).all()
