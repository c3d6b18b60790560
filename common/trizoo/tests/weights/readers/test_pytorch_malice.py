"""Files made to do harm: nothing of them runs, nothing is written, little memory is taken; one sentence is said.

Without its bounds the reader would need years for some of them.
"""

import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.readers.pth import (
    archive,
    legacy,
    mapping,
    named,
    number,
    numbers,
    ordered,
    pickled,
    sequence,
    storage,
    tensor,
    text,
)
from trizoo.weights.readers import read

MEMORY = 100 << 20  # bytes; far below what these files claim
DATA = bytes(24)  # six float32


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Bytes -> the sentence that the file ends in, after checking that it did nothing."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "folder" / "weights.pth"
    path.parent.mkdir()

    def refused(data):
        path.write_bytes(data)
        before = sorted(tmp_path.rglob("*"))
        tracemalloc.start()
        try:
            with pytest.raises(UserError) as caught:
                read(path)
            assert tracemalloc.get_traced_memory()[1] < MEMORY
        finally:
            tracemalloc.stop()
        assert sorted(tmp_path.rglob("*")) == before
        sentence = str(caught.value)
        assert str(path) in sentence
        assert "\n" not in sentence
        assert len(sentence) < 500
        return sentence.removeprefix(f"{path} ")

    return refused


class Reduced:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


class Attacked(dict):
    pass


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("form", ["archive", "legacy"])
@pytest.mark.parametrize(
    ("attack", "name"),
    [
        (Reduced(os.system, "touch owned"), "posix.system"),
        (Reduced(eval, "open('owned', 'w')"), "builtin"),
        (Reduced(exec, "open('owned', 'w')"), "builtin"),
        (Reduced(getattr, Reduced(__import__, "os"), "system"), "builtin"),
        (Reduced(open, "owned", "w"), "open"),
        (Reduced(io.FileIO, "owned", "w"), "FileIO"),
        (Attacked(), "Attacked"),
        ({"state_dict": Attacked()}, "Attacked"),
        (Reduced(pickle.loads, b"cposix\nsystem\n(S'touch owned'\ntR."), "pickle.loads"),
    ],
)
def test_a_global_that_is_no_part_of_a_tensor_is_named_and_not_called(refused, attack, name, form, protocol):
    body = pickle.dumps(attack, protocol)[2:-1]
    data = archive(body, {}) if form == "archive" else legacy(body, {})
    if os.name == "nt":
        name = name.replace("posix", "nt")
    sentence = refused(data)
    assert name in sentence
    assert "nothing of it was run" in sentence


@pytest.mark.parametrize(
    "body",
    [
        b"(S'touch owned'\nios\nsystem\n",  # INST: imports and calls
        b"(" + named("os", "system") + text("touch owned") + b"o",  # OBJ
        named("collections", "OrderedDict") + b")\x81",  # NEWOBJ
        named("collections", "OrderedDict") + b")}\x92",  # NEWOBJ_EX
        b"\x82\x01",  # EXT1: a global by number
        b"Powned\n",  # PERSID: an id as text
        text("os.system") + sequence(text("touch owned")) + b"R",  # a text isn't called
        named("torch", "FloatStorage") + b")R",  # nor is a storage's type
        tensor(storage("FloatStorage", "0", 6), (6,), (1,)) + b")R",  # nor a tensor
        b"N)R",
        b"]" + mapping({"append": number(1)}) + b"b",  # BUILD sets attributes of what is no state dict
        named("torch", "Size") + mapping({"__call__": number(1)}) + b"b",
        tensor(storage("FloatStorage", "0", 6), (6,), (1,)) + mapping({"size": number(1)}) + b"b",
        sequence(text("module"), named("os", "system"), text("a.py"), text("source")) + b"Q",  # code by persistent id
        text("os.system") + b"Q",
        b"\x97",  # NEXT_BUFFER
        b"\x96" + bytes(8),  # BYTEARRAY8
        b"\x8b\xff\xff\xff\x7f",  # LONG4: a whole number of 2 GB
        b"\x93",
        text("torch") + number(1) + b"\x93",
        b"e",
        b"u",
        b"s",
        b"(t" * 3 + b"u",
        b"](N" + b"u",
        b"})Ns",  # a tuple as key
        b"h\x07",
        b"cos",
        b"c\xff\n\xff\n",
        b"X\x02\x00\x00\x00\xff\xff",
        b"",
    ],
)
def test_instructions_that_no_weights_need(refused, body):
    refused(archive(body, {"0": DATA}))


@pytest.mark.parametrize(
    "body",
    [
        b"X" + struct.pack("<I", 2**32 - 1),
        b"\x8d" + struct.pack("<Q", 2**63 - 1),
        b"\x8d" + struct.pack("<Q", 2**64 - 1),
        b"B" + struct.pack("<I", 2**32 - 1),
        b"T" + struct.pack("<i", -1),
        b"\x95" + struct.pack("<Q", 2**63 - 1) + b"N",  # FRAME
        b"Nr" + struct.pack("<I", 2**32 - 1),  # a memo of 2^32 places
        storage("DoubleStorage", "0", 2**55),
        mapping({"a": tensor(storage("DoubleStorage", "0", 2**55), (2**55,), (1,))}),
        mapping({"a": tensor(storage("FloatStorage", "0", 2**59), (2,), (1,))}),
        mapping({"a": tensor(storage("FloatStorage", "0", 6), (2**40,), (0,))}),
        mapping({"a": tensor(storage("FloatStorage", "0", 6), (0, 2**62), (1, 1))}),
        mapping({str(n): tensor(storage("FloatStorage", "0", 6), (2**20,), (0,)) for n in range(100)}),
    ],
)
def test_sizes_beyond_the_file_are_not_believed(refused, body):
    refused(archive(body, {"0": DATA}))


FLOATS = storage("FloatStorage", "0", 6)


@pytest.mark.parametrize(
    "body",
    [
        tensor(FLOATS, (7,), (1,)),
        tensor(FLOATS, (2, 3), (4, 1)),
        tensor(FLOATS, (6,), (1,), 1),
        tensor(FLOATS, (), (), 6),
        tensor(FLOATS, (6,), (-1,), 5),
        tensor(FLOATS, (-6,), (1,)),
        tensor(FLOATS, (6,), (1,), -1),
        tensor(FLOATS, (2,), (2**62,)),
        tensor(FLOATS, (6,), (1, 1)),
        tensor(FLOATS, (1,) * 33, (1,) * 33),
        tensor(storage("FloatStorage", "0", 7), (1,), (1,)),
        tensor(storage("FloatStorage", "0", 5), (1,), (1,)),
        tensor(storage("FloatStorage", "0", -6), (1,), (1,)),
        tensor(storage("FloatStorage", "1", 6), (1,), (1,)),
        tensor(storage("DoubleStorage", "0", 6), (1,), (1,)),
        tensor(storage("FloatStorage", "0", 6, sequence(text("1"), number(4), number(3))), (1,), (1,)),
        tensor(storage("FloatStorage", "0", 6, sequence(text("1"), number(4), number(2))), (3,), (1,)),
        mapping({"a": tensor(FLOATS, (6,), (1,)), "b": tensor(storage("FloatStorage", "0", 60), (50,), (1,))}),
        mapping({"a": tensor(FLOATS, (6,), (1,)), "b": tensor(storage("DoubleStorage", "0", 6), (6,), (1,))}),
        tensor(named("torch", "FloatStorage"), (6,), (1,)),
        tensor(FLOATS, (6,), (1,)).replace(numbers((6,)), text("6")),
    ],
)
def test_a_tensor_that_does_not_lie_in_its_storage(refused, body):
    refused(archive(body, {"0": DATA}))
    refused(legacy(body, {"0": (6, DATA)}))


@pytest.mark.parametrize(
    "body",
    [
        b"]q\x00" + b"h\x00a",  # a list in itself
        b"}q\x00" + text("model") + b"h\x00s",  # a state dict that wraps itself
        b"}q\x00" + text("x") + b"h\x00s",
        b"](" + b"](" * 20_000 + b"e" * 20_000 + b"e",  # 20,000 lists in each other
        b"]q\x00" + b"".join(b"](h" + bytes([n]) + b"h" + bytes([n]) + b"eq" + bytes([n + 1]) for n in range(200)),
        b"Nq\x00" + b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(200)),
        b")q\x00"  # the same 2^200 as a key, and as a size
        + b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(200))
        + b"}h\xc8Ns",
        b")q\x00"
        + b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(200))
        + named("torch._utils", "_rebuild_tensor")
        + sequence(FLOATS, number(0), b"h\xc8", b"h\xc8")
        + b"R",
        mapping({"k" * 2000: tensor(FLOATS, (6,), (1,))}),
        mapping({"a.b": tensor(FLOATS, (6,), (1,)), "a": mapping({"b": tensor(FLOATS, (6,), (1,))})}),
    ],
)
def test_containers_without_end(refused, body):
    refused(archive(body, {"0": DATA}))


@pytest.mark.parametrize("key", [number(2**61 - 1), b"G" + struct.pack(">d", 0.5), b"\x85"])
def test_keys_that_can_be_chosen_to_have_one_hash(refused, key):
    """Python's hash of a whole number is its rest after 2^61 - 1: 300,000 multiples of that fill a dict for an hour."""
    assert "TypeError" in refused(archive(b"}N" + key + b"Ns" if key == b"\x85" else b"}" + key + b"Ns", {}))


def test_a_pickle_that_is_too_long(refused):
    body = text("a" * (5 << 20))
    assert "1 MiB" in refused(archive(body, {}))
    assert "1 MiB" in refused(legacy(body, {}))


def test_a_zip_bomb(refused):
    """80 MB of zeros in 80 kB, as a storage and as the pickle itself."""
    big = bytes(80_000_000)
    body = tensor(storage("FloatStorage", "0", 20_000_000), (1,), (1,))
    bomb = archive(body, {"0": big}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1_000_000
    assert "compressed" in refused(bomb)
    refused(archive(big, {}, compression=zipfile.ZIP_DEFLATED))


def test_members_that_share_their_bytes(refused):
    """200 storages of 1 MB that are all the same place in the file."""
    count, made = 200, io.BytesIO()
    places = {str(n): tensor(storage("FloatStorage", str(n), 1 << 18), (1,), (1,)) for n in range(count)}
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("archive/data.pkl", pickled(mapping(places)))
        for n in range(count):
            file.writestr(f"archive/data/{n}", bytes(1 << 20) if n == 0 else b"")
        first, *others = file.infolist()[1:]
        for member in others:
            member.header_offset, member.CRC = first.header_offset, first.CRC
            member.file_size = member.compress_size = first.file_size
    assert "more bytes than the file has" in refused(made.getvalue())


def test_names_in_an_archive_are_never_paths(refused):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in ("../../owned", "/owned", "..\\owned", "a/../../owned"):
            file.writestr(name, b"owned")
        file.writestr("../data.pkl", pickled(tensor(storage("FloatStorage", "../../../../etc/passwd", 6), (6,), (1,))))
    assert "does not hold storage '../../../../etc/passwd'" in refused(made.getvalue())


def test_two_members_of_one_name_or_two_pickles(refused):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("archive/data.pkl", pickled(ordered()))
        file.writestr("archive/data.pk_", pickled(ordered()))
    assert "twice" in refused(made.getvalue().replace(b"data.pk_", b"data.pkl"))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("a/data.pkl", pickled(ordered()))
        file.writestr("b/data.pkl", pickled(ordered()))
    assert "2 members" in refused(made.getvalue())


def test_a_byte_order_that_there_is_not(refused):
    assert "middle" in refused(archive(tensor(FLOATS, (6,), (1,)), {"0": DATA}, byteorder=b"middle"))
