import numpy as np
import pytest

from trizoo.weights.readers.source import Source, UnreadableError, float32_of_bfloat16, is_shape


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(np.arange(4, dtype="<u2").tobytes())
    return tmp_path / "file"


def test_bytes_and_numbers_of_a_file(path):
    with Source(path) as source:
        assert source.size == 8
        assert source.bytes(2, 3) == b"\1\0\2"
        assert source.bytes(8, 0) == b""
        assert source.array(4, "<u2", 2).tolist() == [2, 3]
    assert source.file.closed


@pytest.mark.parametrize(("offset", "length"), [(0, 9), (8, 1), (-1, 2), (0, -1), (2**70, 1), (0, 2**70)])
def test_what_the_file_does_not_hold_is_refused_before_memory_is_taken(path, offset, length):
    with Source(path) as source, pytest.raises(UnreadableError, match="the file has 8"):
        source.bytes(offset, length)
    with Source(path) as source, pytest.raises(UnreadableError, match="the file has 8"):
        source.array(offset, np.uint8, length)


def test_all_arrays_together_are_no_larger_than_the_file(path):
    with Source(path) as source:
        source.array(0, np.uint8, 5)
        source.array(0, np.uint8, 3)
        with pytest.raises(UnreadableError, match="more bytes than the file has"):
            source.array(0, np.uint8, 1)


def test_a_file_that_shrinks_while_it_is_read(path):
    with Source(path) as source:
        path.write_bytes(b"\1\0\2")
        with pytest.raises(UnreadableError, match="while it was read"):
            source.array(0, "<u2", 4)
        with pytest.raises(UnreadableError, match="while it was read"):
            source.bytes(0, 8)


@pytest.mark.parametrize(
    ("lengths", "possible"),
    [
        ((), True),
        ((0, 3), True),
        ([2, 3], True),
        ((1,) * 32, True),
        ((1,) * 33, False),
        ((-1,), False),
        ((1.0,), False),
        ((True,), False),
        ((None,), False),
        ((2**59,), False),
        ((2**30, 2**30), False),
        ((0, 2**62), False),
    ],
)
def test_what_can_be_a_shape(lengths, possible):
    assert is_shape(lengths) == possible
    if possible:
        assert np.empty(lengths, np.uint8).shape == tuple(lengths)


def test_bfloat16_is_the_upper_half_of_float32():
    """Every one of the 65,536: taking the upper half again gives the same bits, not-a-numbers included."""
    words = np.arange(2**16, dtype=np.uint16)
    values = float32_of_bfloat16(words)
    assert values.dtype == np.float32
    assert np.array_equal(values.view(np.uint32) >> 16, words)
    assert not (values.view(np.uint32) & 0xFFFF).any()
    assert float32_of_bfloat16(np.array(0x3FC0, np.uint16)) == 1.5  # 0 01111111 1000000: 1.1 in binary
