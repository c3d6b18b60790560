import zipfile

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.readers.pth import (
    archive,
    call,
    legacy,
    mapping,
    named,
    number,
    numbers,
    ordered,
    storage,
    tensor,
    text,
)
from trizoo.weights.readers import read

SIX = np.arange(6, dtype="<f4")


@pytest.fixture
def load(tmp_path):
    """Bytes -> Weights."""

    def load(data):
        (tmp_path / "weights.pth").write_bytes(data)
        return read(tmp_path / "weights.pth")

    return load


def two_by_three(key="0"):
    return tensor(storage("FloatStorage", key, 6), (2, 3), (3, 1))


def test_a_state_dict_in_a_zip_archive(load):
    kind, arrays, about = load(archive(ordered({"conv.weight": two_by_three()}), {"0": SIX.tobytes()}))
    assert (kind, about) == ("pytorch", {"wrapper": "", "prefix": ""})
    assert arrays["conv.weight"].dtype == np.float32
    assert arrays["conv.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_state_dict_in_a_legacy_file(load):
    place = storage("FloatStorage", "94348892520592", 6, b"N")
    data = legacy(ordered({"a": tensor(place, (2, 3), (3, 1))}), {"94348892520592": (6, SIX.tobytes())})
    kind, arrays, _ = load(data)
    assert (kind, arrays["a"].tolist()) == ("pytorch", [[0, 1, 2], [3, 4, 5]])


def test_a_legacy_storage_that_is_a_view_of_another(load):
    """Numbers 2 to 4 of the storage; the tensor is number 1 of these and the next."""
    view = b"(" + text("view") + number(2) + number(3) + b"t"
    place = storage("FloatStorage", "7", 6, view)
    arrays = load(legacy(mapping({"a": tensor(place, (2,), (1,), 1)}), {"7": (6, SIX.tobytes())})).arrays
    assert arrays["a"].tolist() == [3, 4]


def test_what_python_2_pickled(load):
    """Texts of 8 bits, OrderedDict from a list of pairs, _rebuild_tensor without hooks, _metadata set by BUILD."""
    pair = b"](U\x06weight" + call("torch._utils", "_rebuild_tensor", *rebuilt()) + b"e"
    body = named("collections", "OrderedDict") + b"](" + pair + b"e\x85R}U\x09_metadata}sb"
    assert load(legacy(body, {"0": (6, SIX.tobytes())})).arrays["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def rebuilt():
    return storage("FloatStorage", "0", 6, b"N"), number(0), numbers((2, 3)), numbers((3, 1))


def test_a_parameter_is_its_tensor(load):
    parameter = call("torch._utils", "_rebuild_parameter", two_by_three(), b"\x88", ordered())
    assert load(archive(mapping({"p": parameter}), {"0": SIX.tobytes()})).arrays["p"].shape == (2, 3)


def test_tensors_that_share_a_storage_share_its_memory(load):
    pieces = {"all": two_by_three(), "part": tensor(storage("FloatStorage", "0", 6), (2,), (1,), 4)}
    arrays = load(archive(mapping(pieces), {"0": SIX.tobytes()})).arrays
    assert arrays["part"].tolist() == [4, 5]
    assert np.shares_memory(arrays["all"], arrays["part"])
    assert arrays["all"].flags.writeable  # frameworks take over arrays only if they may write to them


def test_strides_may_transpose_skip_and_repeat(load):
    place = storage("FloatStorage", "0", 6)
    pieces = {
        "transposed": tensor(place, (3, 2), (1, 3)),
        "every_second": tensor(place, (2,), (2,), 1),
        "repeated": tensor(place, (2, 3), (0, 1), 3),
        "scalar": tensor(place, (), (), 5),
        "empty": tensor(place, (0, 3), (3, 1), 6),
    }
    arrays = load(archive(mapping(pieces), {"0": SIX.tobytes()})).arrays
    assert arrays["transposed"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert arrays["every_second"].tolist() == [1, 3]
    assert arrays["repeated"].tolist() == [[3, 4, 5], [3, 4, 5]]
    assert arrays["scalar"].shape == ()
    assert arrays["scalar"] == 5
    assert arrays["empty"].shape == (0, 3)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DoubleStorage", np.array([0.1, -2], "<f8")),
        ("HalfStorage", np.array([0.1, -2], "<f2")),
        ("LongStorage", np.array([2**62, -1], "<i8")),
        ("IntStorage", np.array([2**30, -1], "<i4")),
        ("ShortStorage", np.array([2**14, -1], "<i2")),
        ("CharStorage", np.array([100, -1], "i1")),
        ("ByteStorage", np.array([0, 255], "u1")),
        ("BoolStorage", np.array([False, True])),
        ("ComplexFloatStorage", np.array([1 + 2j, -1j], "<c8")),
    ],
)
@pytest.mark.parametrize("byteorder", [b"little", b"big", None])
def test_every_type_of_storage_in_both_byte_orders(load, kind, values, byteorder):
    data = values.byteswap().tobytes() if byteorder == b"big" else values.tobytes()
    array = load(archive(tensor(storage(kind, "0", 2), (2,), (1,)), {"0": data}, byteorder=byteorder)).arrays[""]
    assert array.dtype == values.dtype
    assert array.tobytes() == values.tobytes()


def test_bfloat16_becomes_float32_of_the_same_value(load):
    """0x3f80 is 1: sign 0, exponent 127, fraction 0. 0x4049 is 3.140625. 0xff80 is -infinity."""
    words = np.array([0x3F80, 0x4049, 0xFF80], "<u2")
    array = load(archive(tensor(storage("BFloat16Storage", "0", 3), (3,), (1,)), {"0": words.tobytes()})).arrays[""]
    assert array.dtype == np.float32
    assert array.tolist() == [1, 3.140625, -np.inf]


def test_new_types_are_named_beside_an_untyped_storage(load):
    place = storage("FloatStorage", "0", 6).replace(b"ctorch\nFloatStorage", b"ctorch.storage\nUntypedStorage")
    arguments = (place, number(1), numbers((2,)), numbers((1,)), b"\x89", ordered(), named("torch", "uint16"))
    data = archive(call("torch._utils", "_rebuild_tensor_v3", *arguments), {"0": np.array([1, 2, 3], "<u2").tobytes()})
    assert load(data).arrays[""].tolist() == [2, 3]


def test_a_tensor_stored_as_its_conjugate_or_negative(load):
    values = np.array([1 + 2j, 3], "<c8")
    body = tensor(storage("ComplexFloatStorage", "0", 2), (2,), (1,), 0, b"}(" + text("conj") + b"\x88u")
    assert load(archive(body, {"0": values.tobytes()})).arrays[""].tolist() == [1 - 2j, 3]
    body = tensor(storage("FloatStorage", "0", 6), (2,), (1,), 4, b"}(" + text("neg") + b"\x88u")
    assert load(archive(body, {"0": SIX.tobytes()})).arrays[""].tolist() == [-4, -5]


@pytest.mark.parametrize(
    ("wrapped", "names", "about"),
    [
        (lambda t: mapping({"state_dict": ordered({"a": t}), "epoch": number(3)}), ["a"], ("state_dict", "")),
        (lambda t: mapping({"model": mapping({"net": mapping({"a": t})})}), ["a"], ("model.net", "")),
        (lambda t: mapping({"module.a.b": t, "module.c": t}), ["a.b", "c"], ("", "module.")),
        (lambda t: mapping({"module._orig_mod.a": t}), ["a"], ("", "module._orig_mod.")),
        (lambda t: mapping({"module.a": t, "c": t}), ["module.a", "c"], ("", "")),
        (lambda t: mapping({"g": mapping({"a": t}), "h": b"](" + t + b"Ne"}), ["g.a", "h.0"], ("", "")),
        (lambda t: mapping({"optimizer": t, "state_dict": mapping({"a": t})}), ["a"], ("state_dict", "")),
    ],
)
def test_wrappers_and_prefixes_are_taken_off_and_told(load, wrapped, names, about):
    weights = load(archive(wrapped(two_by_three()), {"0": SIX.tobytes()}))
    assert list(weights.arrays) == names
    assert weights.about == dict(zip(("wrapper", "prefix"), about, strict=True))


def test_storages_that_no_chosen_tensor_is_in_are_not_read(load):
    """The optimizer's storage is missing, and nobody minds."""
    body = mapping({"state_dict": mapping({"a": two_by_three()}), "optimizer": two_by_three("1")})
    assert list(load(archive(body, {"0": SIX.tobytes()})).arrays) == ["a"]


def test_an_archive_that_was_packed_again_with_compression(load):
    data = archive(two_by_three(), {"0": SIX.tobytes()}, compression=zipfile.ZIP_DEFLATED, folder="renamed")
    assert load(data).arrays[""].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_archive_without_checksums(load):
    """torch.serialization.set_crc32_options(False) writes 0."""
    data = archive(two_by_three(), {"0": SIX.tobytes()})
    crc = zipfile.crc32(SIX.tobytes()).to_bytes(4, "little")
    assert data.count(crc) == 2  # before the member and in the directory
    assert load(data.replace(crc, bytes(4))).arrays[""].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("form", ["archive", "legacy"])
def test_a_file_that_was_cut_short_anywhere_is_an_error(load, form):
    if form == "archive":
        data = archive(mapping({"a": two_by_three()}), {"0": SIX.tobytes()})
    else:
        place = storage("FloatStorage", "0", 6, b"N")
        data = legacy(mapping({"a": tensor(place, (2, 3), (3, 1))}), {"0": (6, SIX.tobytes())})
    load(data)
    for end in range(len(data)):
        with pytest.raises(UserError, match=r"weights\.pth"):
            load(data[:end])


def test_a_changed_byte_in_a_storage_is_noticed(load):
    data = archive(two_by_three(), {"0": SIX.tobytes()})
    place = data.index(SIX.tobytes())
    with pytest.raises(UserError, match="another checksum"):
        load(data[:place] + b"\x01" + data[place + 1 :])
