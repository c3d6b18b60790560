"""The one way in: which reader a file gets, and what is said of files that none can read."""

import gzip
import io
import tarfile
import tracemalloc

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trizoo.ground.errors import UserError
from trizoo.tests.weights.readers import pth
from trizoo.tests.weights.readers.test_keras_h5 import layerwise, variables
from trizoo.weights.checkpoint import Checkpoint, save
from trizoo.weights.readers import darknet, read, safetensors

ARRAYS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


def make_pytorch(path):
    places = {
        "a.weight": pth.tensor(pth.storage("FloatStorage", "0", 6), (2, 3), (3, 1)),
        "a.bias": pth.tensor(pth.storage("FloatStorage", "1", 2), (2,), (1,)),
    }
    storages = {str(key): array.tobytes() for key, array in enumerate(ARRAYS.values())}
    path.write_bytes(pth.archive(pth.ordered(places), storages))


def make_legacy(path):
    places = {
        "a.weight": pth.tensor(pth.storage("FloatStorage", "0", 6, b"N"), (2, 3), (3, 1)),
        "a.bias": pth.tensor(pth.storage("FloatStorage", "1", 2, b"N"), (2,), (1,)),
    }
    storages = {str(key): (array.size, array.tobytes()) for key, array in enumerate(ARRAYS.values())}
    path.write_bytes(pth.legacy(pth.ordered(places), storages))


def make_npz(path):
    with path.open("wb") as file:
        np.savez_compressed(file, **ARRAYS)


FORMATS = {
    "checkpoint": lambda path: save(path, Checkpoint(ARRAYS, {"classes": ["dog"]}, "pytorch", step=7)),
    "darknet": lambda path: darknet.write(path, ARRAYS.values()),
    "pytorch": make_pytorch,
    "pytorch-legacy": make_legacy,
    "safetensors": lambda path: safetensors.write(path, ARRAYS),
    "keras2": layerwise,
    "keras3": variables,
    "npz": make_npz,
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["weights", "weights.h5", "weights.pth", "веса 名前.weights"])
def test_the_content_says_what_a_file_is_and_not_its_name(tmp_path, form, name):
    FORMATS[form](tmp_path / name)
    weights = read(str(tmp_path / name))
    assert weights.kind == form.removesuffix("-legacy")
    if form in ("checkpoint", "pytorch", "pytorch-legacy", "safetensors", "npz"):
        assert weights.arrays.keys() == ARRAYS.keys()
        assert all(np.array_equal(weights.arrays[name], array) for name, array in ARRAYS.items())


@pytest.mark.parametrize("form", FORMATS)
def test_arrays_own_their_memory_and_may_be_written_to(tmp_path, form):
    """The file can be replaced or removed while they are in use."""
    FORMATS[form](tmp_path / "file")
    arrays = read(tmp_path / "file").arrays
    before = {name: array.copy() for name, array in arrays.items()}
    (tmp_path / "file").write_bytes(b"")
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
    assert all(array.flags.writeable and array.flags.aligned for array in arrays.values())


BIG = {"a": np.arange(8 << 20, dtype=np.float32)}  # 32 MiB


def make_big_pytorch(path):
    place = pth.tensor(pth.storage("FloatStorage", "0", 8 << 20), (8 << 20,), (1,))
    path.write_bytes(pth.archive(pth.ordered({"a": place}), {"0": BIG["a"].tobytes()}))


def make_big_legacy(path):
    place = pth.tensor(pth.storage("FloatStorage", "0", 8 << 20, b"N"), (8 << 20,), (1,))
    path.write_bytes(pth.legacy(pth.ordered({"a": place}), {"0": (8 << 20, BIG["a"].tobytes())}))


def make_big_keras(path):
    with h5py.File(path, "w") as file:
        file["layers/a/vars/0"] = BIG["a"]


def make_big_npz(path):
    with path.open("wb") as file:
        np.savez(file, **BIG)


@pytest.mark.parametrize(
    "make",
    [
        make_big_pytorch,
        make_big_legacy,
        make_big_keras,
        lambda path: safetensors.write(path, BIG),
        lambda path: darknet.write(path, BIG.values()),
        make_big_npz,
        lambda path: save(path, Checkpoint(BIG, {}, "pytorch")),
    ],
)
def test_reading_takes_as_much_memory_as_the_file_has_bytes(tmp_path, make):
    make(tmp_path / "file")
    tracemalloc.start()
    try:
        arrays = read(tmp_path / "file").arrays
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(array.nbytes for array in arrays.values()) == 32 << 20
    assert peak < 38 << 20  # and up to 4 MiB to look for a pickle in


def test_our_checkpoints_bring_their_recipe(tmp_path):
    FORMATS["checkpoint"](tmp_path / "a.h5")
    about = read(tmp_path / "a.h5").about
    assert (about["recipe"], about["framework"], about["step"]) == ({"classes": ["dog"]}, "pytorch", 7)


def packed():
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        file.addfile(tarfile.TarInfo("a"))
    return made.getvalue()


# gzip files without the time, which would make a test's name another in each process
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\0", "no weight file that is known"),
        (b"\0" * 1000, "no weight file that is known"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "a pointer of Git LFS"),
        (gzip.compress(b"a", mtime=0), "damaged or no such archive"),
        (packed(), "a tar archive"),
        (gzip.compress(packed(), mtime=0), "a gzip archive without a checkpoint of TensorFlow's"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'", r"a single \.npy array"),
        (b"\x80\x04K\x01.", "a pickle that torch.save didn't write"),
        (b"Just some text.", "no weight file that is known"),
        (b"PK\x05\x06" + bytes(18), "something else"),
        (b"\x89HDF\r\n\x1a\n", "damaged HDF5"),
    ],
)
def test_other_files_are_named_with_what_can_be_read(tmp_path, data, words):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UserError, match=words) as caught:
        read(tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"absent\.pth cannot be read: No such file"):
        read(tmp_path / "absent.pth")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Format -> the bytes of a file."""
    path = tmp_path_factory.mktemp("whole") / "file"
    made = {}
    for form, make in FORMATS.items():
        make(path)
        made[form] = path.read_bytes()
    return made


@pytest.mark.parametrize("form", FORMATS)
def test_random_damage_never_ends_in_anything_but_arrays_or_one_sentence(whole, tmp_path_factory, form):
    data = whole[form]
    path = tmp_path_factory.mktemp("damaged") / "file"
    places = st.integers(0, len(data) - 1)

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(
        st.lists(st.tuples(places, st.integers(0, 255)), max_size=6),
        st.tuples(places, places, st.binary(max_size=20)),
        st.booleans(),
    )
    def damage(changes, splice, spliced):
        damaged = bytearray(data)
        for place, value in changes:
            damaged[place] = value
        start, end, more = splice
        if spliced:
            damaged[start:end] = more
        path.write_bytes(damaged)
        try:
            weights = read(path)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017, either outcome is right
        else:
            assert all(isinstance(array, np.ndarray) for array in weights.arrays.values())

    damage()
