"""HDF5 without its library: the same as by it from what h5py writes, and an end with damage of any kind."""

import os
import struct

import h5py
import numpy as np
import pytest

from trizoo.weights import checkpoint, hdf5
from trizoo.weights.hdf5.source import checksum

VERSIONS = ("earliest", "v108", "latest")


def written(path, count, version="earliest", track_order=False):
    """A file of `count` arrays in a group, and attributes of every kind."""
    with h5py.File(path, "w", libver=version, track_order=track_order) as file:
        group = file.create_group("group")
        for number in range(count):
            group[f"{'x' * (number % 40)}{number}"] = np.arange(number % 7, dtype="<i2" if number % 2 else ">f8")
        for number in range(count // 3):
            group.attrs[f"a{number}"] = [np.int16(number), "tëxt", np.array([b"abc", b"defgh"]), np.ones(50)][
                number % 4
            ]
        file["scalar"] = np.float32(0.5)
        file["empty"] = np.zeros((0, 3), np.uint64)
        file["halves"] = np.ones((2, 3), np.float16)
        file["truths"] = np.array([True, False])
        file["texts"] = np.array([b"a"])
        file["texts"].attrs["long"] = np.array(["é", "", "x" * 1000], h5py.string_dtype())
        file["texts"].attrs["none"] = h5py.Empty("f4")
    return path


def assert_same(wanted, group):
    """Every member and attribute of a group is as h5py reads it."""
    assert list(group.members) == sorted(wanted)
    for name, member in wanted.items():
        found = group.get(name)
        assert found.attributes.keys() == member.attrs.keys()
        for key, value in member.attrs.items():
            values = found.attributes[key].values()
            if isinstance(value, h5py.Empty):
                assert values is None
            else:
                told = [item.decode() if isinstance(item, bytes) else item for item in np.ravel(value).tolist()]
                assert values == told
        if isinstance(member, h5py.Group):
            assert_same(member, found)
        elif member.dtype.kind == "S":
            assert found.read() is None
        else:
            assert (found.shape, found.type.dtype) == (member.shape, member.dtype)
            np.testing.assert_array_equal(found.read(), member[()])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("count", "track_order"), [(3, False), (60, True), (260, False)])
def test_files_are_read_as_h5py_reads_them(tmp_path, version, count, track_order):
    path = written(tmp_path / "a.h5", count, version, track_order)
    with h5py.File(path) as wanted, hdf5.opened(path) as root:
        assert_same(wanted, root)


@pytest.mark.parametrize("version", VERSIONS)
def test_any_changed_byte_ends_in_what_can_be_told(tmp_path, version):
    data = written(tmp_path / "a.h5", 12, version).read_bytes()
    chance, damaged = np.random.default_rng(0), 0
    for _ in range(150):
        changed = bytearray(data)
        changed[chance.integers(len(data))] = chance.integers(256)
        (tmp_path / "b.h5").write_bytes(changed)
        try:
            with hdf5.opened(tmp_path / "b.h5") as root:
                everything(root)
        except hdf5.DamagedError:
            damaged += 1
    assert damaged > 10


def everything(group, deepest=3):
    """Reads all there is in a group."""
    for name in group.members if deepest else ():
        member = group.get(name)
        for attribute in member.attributes.values() if member else ():
            attribute.values()
        if isinstance(member, hdf5.Group):
            everything(member, deepest - 1)
        elif member:
            member.read()


def test_a_heap_without_an_end_is_damage(tmp_path):
    """The byte that makes the library look for the next text for ever: the size of what is free in a heap of texts."""
    path = tmp_path / "a.h5"
    checkpoint.save(path, checkpoint.Checkpoint(model={}, recipe={"a": 1}, framework="pytorch"))
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    (length,) = struct.unpack_from("<Q", data, heap + 8)
    position = heap + 16
    while struct.unpack_from("<H", data, position)[0]:
        position += 16 + -(-struct.unpack_from("<Q", data, position + 8)[0] // 8) * 8
    assert struct.unpack_from("<Q", data, position + 8)[0] == heap + length - position
    data[position + 8 : position + 16] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(checkpoint.UserError, match=r"damaged or cut short: the heap at byte .* has 0 bytes left"):
        checkpoint.load(path)


def test_trees_and_objects_in_a_circle_end(tmp_path):
    path = written(tmp_path / "a.h5", 600)
    data = bytearray(path.read_bytes())
    leaf = data.index(b"TREE", data.index(b"TREE", data.index(b"TREE") + 1) + 1)
    data[leaf + 32 : leaf + 40] = struct.pack("<Q", leaf)  # its first child is itself
    path.write_bytes(data)
    with pytest.raises(hdf5.DamagedError), hdf5.opened(path) as root:
        everything(root)


def test_texts_that_share_one_place_are_counted(tmp_path):
    """3,000 references of 16 bytes to a text of 64 kB would be 192 MB from a file of 150 kB."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["names"] = np.array(["x" * 65_000, *["y"] * 2999], h5py.string_dtype())
    data = path.read_bytes()
    first = data.index(struct.pack("<I", 65_000))
    path.write_bytes(data[:first] + data[first : first + 16] * 3000 + data[first + 48_000 :])
    with hdf5.opened(path) as root, pytest.raises(hdf5.DamagedError, match="16 MiB beside its numbers"):
        root.attributes["names"].values()


def test_names_that_share_one_place_are_counted(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(400):
            file.create_group(f"{number:04}{'x' * 60_000 * (number == 0)}")
    data = bytearray(path.read_bytes())
    for node in [place for place in range(len(data) - 4) if data[place : place + 4] == b"SNOD"]:
        for number in range(struct.unpack_from("<H", data, node + 6)[0]):
            data[node + 8 + 40 * number : node + 16 + 40 * number] = struct.pack("<Q", 8)
    path.write_bytes(data)
    with pytest.raises(hdf5.DamagedError, match="16 MiB beside its numbers"), hdf5.opened(path) as root:
        assert root.members


def test_the_checksum_is_lookup3():
    """The first two from the comments of lookup3.c's driver5: 0xdeadbeef of nothing, 0x17770551 of its sentence."""
    assert checksum(b"") == 0xDEADBEEF
    assert checksum(b"Four score and seven years ago") == 0x17770551


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.h5")
    with pytest.raises(checkpoint.UserError, match="no ordinary file"):
        checkpoint.load(tmp_path / "a.h5")
