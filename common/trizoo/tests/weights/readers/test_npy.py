import io
import zipfile

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.weights.readers import read

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "swapped": np.arange(3, dtype=">i4"),
    "scalar": np.float64(0.1),
    "empty": np.zeros((0, 3), np.int8),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
}


def npy(array):
    made = io.BytesIO()
    np.lib.format.write_array(made, np.asanyarray(array), allow_pickle=True)
    return made.getvalue()


def npz(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saved(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    kind, arrays, about = read(tmp_path / "a.npz")
    assert (kind, about, list(arrays)) == ("npz", {}, list(ARRAYS))
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype.newbyteorder("=")
        assert arrays[name].shape == array.shape
        assert np.array_equal(arrays[name], array)


def test_a_folder_of_npy_files(tmp_path):
    for name, array in ARRAYS.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "readme.txt").write_text("not an array")
    kind, arrays, _ = read(tmp_path)
    assert (kind, list(arrays)) == ("npy", sorted(ARRAYS))
    assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


def test_numbers_that_do_not_begin_at_a_multiple_of_their_size_are_aligned(tmp_path):
    """Old writers fill the header up to any length; here the numbers begin at byte 77."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }".ljust(66) + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + np.array([1.5, 2]).tobytes()
    array = read(npz(tmp_path / "a.npz", {"a.npy": data})).arrays["a"]
    assert array.tolist() == [1.5, 2]
    assert array.flags.aligned


def test_headers_of_versions_2_and_3(tmp_path):
    for version in ((2, 0), (3, 0)):
        made = io.BytesIO()
        np.lib.format.write_array(made, np.arange(3), version=version)
        assert read(npz(tmp_path / "a.npz", {"a.npy": made.getvalue()})).arrays["a"].tolist() == [0, 1, 2]


GOOD = npy(np.arange(6, dtype=np.float32))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy(np.array([{"an": "object"}], object)), "only numbers are read"),
        (npy(np.zeros(2, [("a", "f4")])), "only numbers are read"),
        (npy(np.array(["text"])), "only numbers are read"),
        (npy(np.array(["2020-01-01"], "M8[D]")), "only numbers are read"),
        (GOOD.replace(b"'<f4'", b"'<f3'"), "NumPy doesn't know"),
        (GOOD.replace(b"(6,)", b"(7,)"), "cut short"),
        (GOOD.replace(b"(6,)", b"(-6)"), "only numbers are read"),
        (GOOD.replace(b"(6,), }     ", b"(99999999,)}"), "cut short"),
        (GOOD.replace(b"(6,), }                  ", b"(0, 99999999999999999999)"), "cut short"),
        (GOOD.replace(b"NUMPY\x01", b"NUMPY\x04"), "version 1 to 3"),
        (GOOD[:-1], "cut short"),
        (GOOD[:20], "only numbers are read"),
        (GOOD[:5], "version 1 to 3"),
        (b"", "version 1 to 3"),
    ],
)
def test_an_array_that_is_not_plain_numbers_is_one_sentence(tmp_path, data, words):
    with pytest.raises(UserError, match=words):
        read(npz(tmp_path / "a.npz", {"b.npy": GOOD, "a.npy": data}))


def test_a_zip_bomb(tmp_path):
    """100 MB of zeros in 100 kB."""
    path = npz(tmp_path / "a.npz", {"a.npy": npy(np.zeros(100_000_000, np.int8))}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="small part of its"):
        read(path)


def test_an_unusual_or_encrypted_archive(tmp_path):
    path = npz(tmp_path / "a.npz", {"a.npy": GOOD}, zipfile.ZIP_LZMA)
    with pytest.raises(UserError, match="unusual method"):
        read(path)
    data = bytearray(npz(tmp_path / "b.npz", {"a.npy": GOOD}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.npz").write_bytes(data)
    with pytest.raises(UserError, match="encrypted"):
        read(tmp_path / "b.npz")


def test_a_folder_without_arrays(tmp_path):
    with pytest.raises(UserError, match=r"folder without \.npy"):
        read(tmp_path)
