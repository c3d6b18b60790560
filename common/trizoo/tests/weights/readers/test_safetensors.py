import json
import struct

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.weights.readers import read, safetensors


def made(table, data=b"", length=None):
    """Bytes of a file: table is a dict or text."""
    text = (table if isinstance(table, str) else json.dumps(table)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.fixture
def load(tmp_path):
    """Bytes -> Weights."""

    def load(data):
        (tmp_path / "a.bin").write_bytes(data)
        return read(tmp_path / "a.bin")

    return load


def test_a_file_put_together_by_hand(load):
    """1 and 2 as float32 are 3f800000 and 40000000; the names stand in another order than the numbers."""
    table = {"__metadata__": {"format": "pt"}, "ü": entry("I16", (1, 1), (8, 10)), "a": entry()}
    kind, arrays, about = load(made(table, bytes.fromhex("0000803f00000040") + b"\xfe\xff"))
    assert (kind, about) == ("safetensors", {"format": "pt"})
    assert list(arrays) == ["ü", "a"]
    assert arrays["a"].tolist() == [1, 2]
    assert arrays["a"].dtype == np.float32
    assert arrays["ü"].tolist() == [[-2]]


def test_bfloat16_becomes_float32_of_the_same_value(load):
    """3f80 is 1, 4049 is 3.140625."""
    array = load(made({"a": entry("BF16", (2,), (0, 4))}, bytes.fromhex("803f4940"))).arrays["a"]
    assert array.tolist() == [1, 3.140625]
    assert array.dtype == np.float32


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"])
def test_what_was_written_is_read_again_in_its_order(tmp_path, dtype):
    rng = np.random.default_rng(0)
    arrays = {
        "z": rng.integers(0, 2, (3, 4)).astype(dtype),
        "a.transposed": rng.integers(0, 2, (3, 4)).astype(dtype).T,
        "scalar": np.ones((), dtype),
        "empty": np.zeros((2, 0, 3), dtype),
        "swapped": np.arange(2).astype(np.dtype(dtype).newbyteorder(">")),
    }
    safetensors.write(tmp_path / "a.safetensors", arrays, {"model": "yolov3"})
    kind, again, about = read(tmp_path / "a.safetensors")
    assert (kind, about) == ("safetensors", {"model": "yolov3"})
    assert list(again) == list(arrays)
    for name, array in arrays.items():
        assert isinstance(again[name], np.ndarray)
        assert again[name].dtype == np.dtype(dtype)
        assert again[name].shape == array.shape
        assert np.array_equal(again[name], array)


def test_the_numbers_begin_at_a_multiple_of_8_bytes(tmp_path):
    safetensors.write(tmp_path / "a.safetensors", {"abc": np.ones(3, np.float32)})
    data = (tmp_path / "a.safetensors").read_bytes()
    assert (8 + struct.unpack("<Q", data[:8])[0]) % 8 == 0
    assert data[-12:] == np.ones(3, "<f4").tobytes()


def test_a_type_that_the_format_does_not_have_is_an_error_and_no_file(tmp_path):
    with pytest.raises(ValueError, match="a is complex64"):
        safetensors.write(tmp_path / "a.safetensors", {"a": np.ones(1, np.complex64)})
    with pytest.raises(ValueError, match="__metadata__"):
        safetensors.write(tmp_path / "a.safetensors", {"__metadata__": np.ones(1, np.float32)})
    assert list(tmp_path.iterdir()) == []


EIGHT = bytes(8)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (made({"a": entry(offsets=(0, 16), shape=(4,))}, EIGHT), "16 bytes are wanted"),
        (made({"a": entry(), "b": entry()}, EIGHT), "'b' at byte 0 and not at 8"),
        (made({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "'b' at byte 4 and not at 8"),
        (made({"a": entry(offsets=(8, 16))}, bytes(16)), "'a' at byte 8 and not at 0"),
        (made({"a": entry()}, bytes(9)), "1 bytes that belong to no array"),
        (made({"a": entry(shape=(3,))}, EIGHT), "8 bytes for 3 numbers"),
        (made({"a": entry(offsets=(8, 0))}, EIGHT), "-8 bytes for 2 numbers"),
        (made({"a": entry(offsets=(-8, 0))}, EIGHT), "can't be read"),
        (made({"a": entry(shape=(-1, -2))}, EIGHT), "can't be read"),
        (made({"a": entry(shape=(2.0,))}, EIGHT), "can't be read"),
        (made({"a": entry(shape=(True, 2))}, EIGHT), "can't be read"),
        (made({"a": entry(shape=(0, 10**30), offsets=(0, 0))}), "can't be read"),
        (made({"a": entry(shape=(1,) * 40, offsets=(0, 4))}, bytes(4)), "can't be read"),
        (made({"a": entry(dtype="F8_E4M3", offsets=(0, 2))}, bytes(2)), "can't be read"),
        (made({"a": entry(dtype=["F32"])}, EIGHT), "damaged table"),
        (made({"a": {"dtype": "F32"}}, EIGHT), "damaged table"),
        (made({"a": [1, 2]}, EIGHT), "damaged table"),
        (made('{"a": 1, "a": 1}'), "twice"),
        (made('{"a": '), "damaged table"),
        (made('{"a": ' + "[" * 100_000), "damaged table"),
        (made("{" + "9" * 10_000), "damaged table"),
        (made('{"\\ud800": 1'), "damaged table"),
        (made("{" + " " * (17 << 20)), "at most"),
        (made("{}", length=2**62), "no weight file"),
    ],
)
def test_a_table_that_does_not_fit_the_file_is_one_sentence(load, data, words):
    with pytest.raises(UserError, match=words) as caught:
        load(data)
    assert len(str(caught.value)) < 400


def test_a_file_that_was_cut_short_anywhere_is_an_error(load):
    data = made({"a": entry(), "b": entry(offsets=(8, 16))}, bytes(16))
    load(data)
    for end in range(len(data)):
        with pytest.raises(UserError):
            load(data[:end])
