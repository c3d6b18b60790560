"""Marks from a map, worked by hand, and the law that targets come back as they went in."""

import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families import check_input_size, model_spec
from trizoo.families.keypoints.decode import decode_keypoints
from trizoo.families.keypoints.targets import assign
from trizoo.ground.errors import UserError


def centres(found):
    return (found.boxes[:, :2] + found.boxes[:, 2:]) / 2


def decoded(cells, stride=32, original=None, policy="stretch", **options):
    size = cells.shape[2] * stride, cells.shape[1] * stride
    return decode_keypoints(
        [cells], stride, [fit(original or size, size, policy)] * len(cells), **{"score": 0.5, **options}
    )


def test_a_mark_stands_at_its_cells_centre_and_offset_with_its_share_of_the_softmax():
    cells = np.zeros((1, 2, 3, 5), np.float32)
    cells[..., 2] = 9
    cells[0, 1, 2] = [-0.25, 0.125, 0, np.log(8), 0]  # shares 1/10, 8/10, 1/10
    (found,) = decoded(cells)
    assert centres(found).tolist() == [[72, 52]]  # (2.5 - 0.25) and (1.5 + 0.125) times 32
    assert found.scores == pytest.approx([0.8])
    assert found.labels.tolist() == [0]
    # the image is half as wide and as high as the input
    assert centres(decoded(cells, original=(48, 32))[0]).tolist() == [[36, 26]]
    assert len(decoded(cells, score=0.81)[0]) == 0


def test_a_cell_has_one_mark_and_neighbours_take_none_away():
    cells = np.zeros((1, 1, 3, 5), np.float32)
    cells[0, 0, :, 0] = [0.5, -0.5, 0.25]  # the first two at the same place
    cells[0, 0, :, 3:] = [[3, 2.9], [2, 2.5], [2, 3]]
    (found,) = decoded(cells, score=0.1)
    assert found.labels.tolist() == [1, 1, 0]
    assert centres(found).tolist() == [[88, 16], [32, 16], [32, 16]]
    (best,) = decoded(cells, score=0.1, max_detections=1)
    assert best.scores == pytest.approx(found.scores[:1])


def test_what_is_not_finite_or_not_in_the_image_is_no_mark():
    cells = np.zeros((3, 1, 2, 4), np.float32)
    cells[..., 3] = 5
    cells[0, 0, 0, 1], cells[1, 0, 0, 0], cells[2, 0, 0, 3] = np.nan, -3, np.inf
    assert [len(found) for found in decoded(cells)] == [1, 1, 1]
    # on a canvas that is wider than the image
    cells = np.zeros((1, 1, 3, 4), np.float32)
    cells[..., 3] = 5
    assert len(decoded(cells, original=(32, 32), policy="letterbox")[0]) == 1


@pytest.mark.parametrize(("name", "stride"), [("keypoints-stride32", 32), ("keypoints-stride16", 16)])
def test_targets_written_into_a_map_come_back(name, stride):
    spec, size = model_spec(name, 3), (320, 96)
    random = np.random.default_rng(0)
    cells = random.permutation(size[0] * size[1] // stride**2)[:9]
    marks = np.stack(np.divmod(cells, size[0] // stride)[::-1], axis=1) * stride + random.uniform(1, stride - 1, (9, 2))
    boxes, labels = np.concatenate([marks - 15, marks + 15], axis=1).astype(np.float32), random.integers(0, 3, 9)
    targets = assign([boxes], [labels], 3, size, stride)
    written = np.concatenate([targets["offsets"], 20.0 * np.eye(4)[1 + targets["matches"]]], axis=-1)
    heads = [written.reshape(1, size[1] // stride, size[0] // stride, 6).astype(np.float32)]
    (found,) = spec.decode(heads, [fit(size, size)], size, score=0.9, threshold=1.0)
    order, wanted = np.lexsort(centres(found).T), np.lexsort(marks.T)
    np.testing.assert_allclose(centres(found)[order], marks[wanted], atol=1e-3)
    assert found.labels[order].tolist() == labels[wanted].tolist()


def test_sides_must_be_multiples_of_the_stride():
    check_input_size("keypoints-stride16", (1920, 304))
    with pytest.raises(
        UserError, match=r"1920x304 doesn't fit keypoints-stride32.*multiples of 32; .* 1920x288 or 1920x320"
    ):
        check_input_size("keypoints-stride32", (1920, 304))
