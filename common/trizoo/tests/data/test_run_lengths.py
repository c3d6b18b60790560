import numpy as np
import pytest
from pycocotools import mask as mask_api

from trizoo.data.run_lengths import bounds_of_runs, compress, decode_runs, decompress, encode_runs


def test_runs_are_read_as_coco_writes_them():
    rng = np.random.default_rng(2)
    for share in (0, 0.02, 0.5, 1):
        mask = (rng.random((37, 53)) < share).astype(np.uint8)
        packed = mask_api.encode(np.asfortranarray(mask))
        assert np.array_equal(decode_runs(packed["counts"], (53, 37)), mask == 1)
        assert np.array_equal(decode_runs(packed["counts"].decode(), (53, 37)), mask == 1)
        assert np.array_equal(decode_runs(decompress(packed["counts"]), (53, 37)), mask == 1)
    # 2 columns of 3: down the columns, 1 zero, 2 ones, 3 zeros
    assert decode_runs([1, 2, 3], (2, 3)).tolist() == [[False, False], [True, False], [True, False]]


@pytest.mark.parametrize("counts", [[1, 2], [-1, 7], [7], "\x00", "ß", "", "P" * 100])
def test_runs_that_do_not_fill_the_image_are_refused(counts):
    with pytest.raises(ValueError):
        decode_runs(counts, (2, 3))
    with pytest.raises(ValueError):
        bounds_of_runs(counts, (2, 3))


def test_bounds_are_those_of_the_pixels():
    rng = np.random.default_rng(4)
    for share in (0.002, 0.02, 0.5, 1):
        mask = (rng.random((37, 53)) < share).astype(np.uint8)
        packed = mask_api.encode(np.asfortranarray(mask))
        rows, columns = np.nonzero(mask)
        whole = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert bounds_of_runs(packed["counts"], (53, 37)) == whole
    # 3 columns of 4: pixels 5 and 6 are rows 1 and 2 of column 1; pixels 3 and 4 turn a corner
    assert bounds_of_runs([5, 2, 5], (3, 4)) == (1, 1, 2, 3)
    assert bounds_of_runs([3, 2, 7], (3, 4)) == (0, 0, 2, 4)
    assert bounds_of_runs([12], (3, 4)) is None


def test_bounds_of_sizes_that_no_memory_holds():
    assert bounds_of_runs([10**11, 1, 10**12 - 10**11 - 1], (10**6, 10**6)) == (1e5, 0, 1e5 + 1, 1)


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.98, 1])
def test_run_lengths_are_the_coco_api_s(share):
    random = np.random.default_rng(0)
    for shape in ((1, 1), (1, 9), (9, 1), (37, 53), (300, 41)):
        pixels = random.random(shape) < share
        text = compress(encode_runs(pixels))
        assert text == mask_api.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode("ascii")
        assert decompress(text) == encode_runs(pixels)
        np.testing.assert_array_equal(decode_runs(text, shape[::-1]), pixels)
