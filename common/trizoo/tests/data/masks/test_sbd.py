import os
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.check.masks import check_masks
from trizoo.data.masks.class_files import VOC_NAMES
from trizoo.data.masks.find import find_masks
from trizoo.data.masks.mat_files import read_matrix
from trizoo.ground.errors import UserError

MASK = np.array([[0, 1, 2], [20, 20, 15]], np.uint8)


def element(kind, content):
    """An element of a MATLAB 5 file."""
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matrix(number, shape, name, *parts):
    flags = struct.pack("<II", number, 0)
    head = [element(6, flags), element(5, struct.pack(f"<{len(shape)}i", *shape)), element(1, name)]
    return element(14, b"".join([*head, *parts]))


def mat_file(values=MASK, field=b"Segmentation", name=b"GTcls", shape=None, stored=2, packed=True):
    """A file as SBD's, with a structure of two fields, of which the first holds a cell."""
    cell = matrix(1, (1, 0), b"")
    shape = values.shape if shape is None else shape
    inner = matrix(9, shape, b"", element(stored, values.tobytes(order="F")))
    names = b"".join(text.ljust(16, b"\0") for text in (b"Boundaries", field))
    whole = matrix(2, (1, 1), name, struct.pack("<HHi", 5, 4, 16), element(1, names), cell, inner)
    return header() + (compressed(whole) if packed else whole)


def header(text=b"MATLAB 5.0 MAT-file"):
    return text.ljust(124) + struct.pack("<H", 0x100) + b"IM"


def compressed(content):
    packed = zlib.compress(content)
    return struct.pack("<II", 15, len(packed)) + packed


def data_set(root, **files):
    """benchmark_RELEASE/dataset with an image of 3x2 for each file."""
    there = root / "benchmark_RELEASE" / "dataset"
    for folder in ("img", "cls", "inst"):
        (there / folder).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        Image.new("RGB", (3, 2)).save(there / "img" / f"{name}.jpg")
        (there / "cls" / f"{name}.mat").write_bytes(content)
    return there


def test_masks_have_vocs_classes_and_lists_are_the_splits(tmp_path):
    there = data_set(tmp_path, a=mat_file(), b=mat_file(packed=False), c=mat_file(np.zeros((2, 3), np.uint8)))
    (there / "train.txt").write_text("a\nb\n", encoding="utf-8")
    (there / "val.txt").write_text("c\n", encoding="utf-8")
    for root in (tmp_path, there.parent, there):
        listing = find_masks(root)
        assert (listing.layout, listing.splits) == ("sbd", {"train": ["a", "b"], "val": ["c"]})
    data = find_masks(tmp_path).open("train")
    assert data.classes == ("background", *VOC_NAMES)
    assert data.mask(0).tolist() == data.mask(1).tolist() == MASK.tolist()
    assert data.mask(0).dtype == np.uint8
    assert data.class_pixels()[[0, 15, 20]].tolist() == [2, 2, 4]
    assert check_masks(find_masks(tmp_path)).errors == []


def test_classes_go_by_name(tmp_path):
    data_set(tmp_path, a=mat_file())
    data = find_masks(tmp_path).open(None, VOC_NAMES)
    assert data.mask(0).tolist() == [[255, 0, 1], [19, 19, 14]]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int32])
def test_files_of_scipy_are_read(tmp_path, packed, dtype):
    savemat = pytest.importorskip("scipy.io").savemat
    empty = np.empty((1, 2), object)
    empty[:] = [[np.zeros((2, 3)), np.zeros((0, 0))]]
    content = {"Boundaries": empty, "Segmentation": MASK.astype(dtype), "CategoriesPresent": np.array([[1], [20]])}
    savemat(tmp_path / "a.mat", {"other": np.arange(5), "GTcls": content}, do_compression=packed)
    assert read_matrix(tmp_path / "a.mat", "GTcls", "Segmentation").tolist() == MASK.tolist()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is no MATLAB 5 file; save"),
        (b"\x89HDF\r\n\x1a\n" * 100, "is no MATLAB 5 file"),
        (header(b"MATLAB 7.3 MAT-file"), "'-v7'"),
        (header(), "no variable GTcls"),
        (mat_file(name=b"GTinst"), "no variable GTcls"),
        (mat_file(field=b"Boundary"), "no field Segmentation"),
        (mat_file()[:-9], "can be read"),
        (mat_file(shape=(2, 4)), "6 numbers in a matrix of 2x4"),
        (mat_file(shape=(1 << 30, 1 << 30)), "6 numbers in a matrix"),
        (mat_file(shape=(2, 3, 1)), "6 numbers in a matrix of 2x3x1"),
        (mat_file(np.full((2, 3), 0.5), stored=9), "numbers that aren't whole"),
        (mat_file(np.full((2, 3), np.nan), stored=9), "numbers that aren't whole"),
        (mat_file(MASK, stored=16), "no matrix of numbers"),
        (header() + compressed(bytes(1 << 25)), "more than 16,777,216 bytes once inflated"),
        (header() + matrix(2, (9, 9), b"GTcls"), "GTcls is no structure"),
        (header() + matrix(3, (1, 1), b"GTcls"), "GTcls is no structure"),
        (header() + struct.pack("<II", 14, 1 << 31), "cut off"),
        (header() + element(14, b"") * 10_001, "can be read"),
    ],
)
def test_what_is_no_mask_of_sbd_is_one_sentence(tmp_path, content, text):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(UserError, match=text) as caught:
        read_matrix(tmp_path / "a.mat", "GTcls", "Segmentation")
    assert str(caught.value).startswith(str(tmp_path / "a.mat"))


def test_many_bombs_in_one_file_are_inflated_up_to_a_limit_in_all(tmp_path):
    bomb = compressed(matrix(9, (1, 15 << 20), b"x", element(2, bytes(15 << 20))))
    (tmp_path / "a.mat").write_bytes(header() + bomb * 500)
    with pytest.raises(UserError, match="more than 16,777,216 bytes once inflated"):
        read_matrix(tmp_path / "a.mat", "GTcls", "Segmentation")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "a.mat").touch()
    os.truncate(tmp_path / "a.mat", (16 << 20) + 1)
    with pytest.raises(UserError, match="has 16,777,217 bytes"):
        read_matrix(tmp_path / "a.mat", "GTcls", "Segmentation")
    with pytest.raises(UserError, match="can't be read: No such file"):
        read_matrix(tmp_path / "b.mat", "GTcls", "Segmentation")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(126, 600), st.binary(min_size=1, max_size=9))
def test_changed_bytes_give_a_matrix_or_one_sentence(tmp_path, place, change):
    content = bytearray(mat_file(packed=False))
    content[place : place + len(change)] = change
    (tmp_path / "a.mat").write_bytes(content)
    with suppress(UserError):
        assert read_matrix(tmp_path / "a.mat", "GTcls", "Segmentation").ndim == 2


def test_masks_that_do_not_fit_are_one_sentence(tmp_path):
    data_set(tmp_path, a=mat_file(np.zeros((3, 3), np.uint8)), b=mat_file(MASK + 1))
    data = find_masks(tmp_path).open()
    with pytest.raises(UserError, match=r"a\.mat is 3x3 but its image is 3x2"):
        data.mask(0)
    with pytest.raises(UserError, match=r"b\.mat has values from 1 to 21; SBD's classes are 0 to 20"):
        data.mask(1)
    (tmp_path / "benchmark_RELEASE/dataset/cls/c.mat").write_bytes(mat_file())
    assert [problem.kind for problem in find_masks(tmp_path).unpaired] == ["mask without image"]
