import numpy as np

from trizoo.weights.layout import canonical_shape, from_canonical, to_canonical


def test_a_kernel_comes_back_as_it_was_and_its_entries_move():
    kernel = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)  # (h, w, in, out)
    canonical = to_canonical(kernel)
    assert canonical.shape == canonical_shape(kernel.shape) == (5, 4, 2, 3)
    assert canonical[4, 3, 1, 2] == kernel[1, 2, 3, 4]
    assert canonical.flags["C_CONTIGUOUS"]
    assert np.array_equal(from_canonical(canonical), kernel)


def test_what_is_no_kernel_stays():
    for array in (np.arange(3.0), np.float32(2), np.ones((2, 3))):
        assert np.array_equal(to_canonical(np.asarray(array)), array)
        assert canonical_shape(np.shape(array)) == np.shape(array)
