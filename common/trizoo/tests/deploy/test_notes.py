"""The notes of exported files: found without the libraries that run them, and any other bytes end in one sentence."""

import os
import random
import re
import time

import pytest

from trizoo.deploy import notes
from trizoo.ground.errors import UserError


def varint(number):
    """A number as protobuf writes it."""
    data = b""
    while number > 127:
        data += bytes([number % 128 + 128])
        number //= 128
    return data + bytes([number])


def field(number, data):
    """A field of bytes."""
    return varint(8 * number + 2) + varint(len(data)) + data


def model(*entries, graph=b"g" * 300):
    """The bytes of an ONNX file: IR version 10, a graph, metadata of these (key, value)."""
    noted = b"".join(field(14, field(1, key.encode()) + field(2, value.encode())) for key, value in entries)
    return varint(8 * 1) + varint(10) + field(7, graph) + noted


@pytest.fixture
def written(tmp_path):
    """Writes bytes to a file: a path."""

    def write(data, name="a.onnx"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_the_note_is_found_among_others(written):
    path = written(model(("a", "1"), ("trizoo", '{"b": "ü"}'), ("c", "2")))
    assert notes.read_onnx(path) == '{"b": "ü"}'


def test_a_file_of_another_producer_has_none(written):
    assert notes.read_onnx(written(model())) is None
    assert notes.read_onnx(written(model(("author", "someone")))) is None


def test_an_onnx_file_that_is_cut_short_is_called_so_wherever_it_is_cut(written):
    whole = model(("trizoo", "{}"))
    between_fields = {2, 2 + len(field(7, b"g" * 300))}
    for length in set(range(len(whole))) - between_fields:
        with pytest.raises(UserError, match=r"a\.onnx is no ONNX file, or cut short; exporting it again would do"):
            notes.read_onnx(written(whole[:length]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"<html>404</html>",
        b"\xff" * 50,
        b"\0" * 50,
        field(14, b"\x0a\xff\xff"),
        field(14, field(1, b"\xff\xfe")),
        varint(8 * 7 + 2) + varint(2**62),
        b"\x08\x01" * 10_001,
    ],
    ids=["empty", "png", "html", "ones", "zeros", "entry cut short", "no UTF-8", "endless field", "many fields"],
)
def test_what_is_no_onnx_file_is_one_sentence(written, data):
    with pytest.raises(UserError, match="is no ONNX file, or cut short"):
        notes.read_onnx(written(data))


def test_mutated_files_end_in_a_note_or_a_sentence(written):
    chosen, whole = random.Random(0), model(("trizoo", '{"a": 1}'), graph=b"g" * 40)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(chosen.randint(1, 4)):
            data[chosen.randrange(len(data))] = chosen.randrange(256)
        try:
            found = notes.read_onnx(written(bytes(data)))
        except UserError:
            continue
        assert found is None or isinstance(found, str)


def test_a_file_that_isnt_there_is_one_sentence(tmp_path):
    for read, name in ((notes.read_onnx, "a.onnx"), (notes.read_openvino, "a.xml")):
        with pytest.raises(UserError, match=re.escape(f"{tmp_path / name} can't be read: No such file or directory")):
            read(tmp_path / name)


XML = '<?xml version="1.0"?><net name="a"><layers/><rt_info><x value="1"/><trizoo value="{}"/></rt_info></net>'


def test_the_note_in_openvinos_file_is_found(written):
    written(b"", "a.bin")
    assert notes.read_openvino(written(XML.encode(), "a.xml")) == "{}"
    assert notes.read_openvino(written(b'<net><layers><trizoo value="{}"/></layers></net>', "a.xml")) is None


def test_openvinos_file_needs_its_weights(written):
    with pytest.raises(UserError, match=r"has its weights in .*a\.bin, which isn't there; the two belong together"):
        notes.read_openvino(written(XML.encode(), "a.xml"))


BOMB = "<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'><!ENTITY c '&b;&b;&b;&b;'>]><net>&c;</net>"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no whole XML file"),
        (XML[:60].encode(), "is no whole XML file"),
        (b"\xff\xfe\0", "is no whole XML file"),
        (BOMB.encode(), "is no whole XML file"),
        (b"<annotation><object/></annotation>", "is no model of OpenVINO's"),
        (b"<net>" + b"<a/>" * 110_000 + b"</net>", "has more than 100000 elements"),
        (b"<net>" + b" " * (1 << 24) + b"</net>", "has more than 16 MiB of XML"),
    ],
    ids=["empty", "cut short", "no text", "entities", "annotation", "many elements", "large"],
)
def test_what_is_no_model_of_openvinos_is_one_sentence(written, data, sentence):
    written(b"", "a.bin")
    with pytest.raises(UserError, match=sentence):
        notes.read_openvino(written(data, "a.xml"))


def test_the_note_in_a_saved_models_folder_is_found(written, tmp_path):
    with pytest.raises(UserError, match=r"is no SavedModel, which is a folder with a saved_model\.pb"):
        notes.read_saved_model(tmp_path)
    written(b"", "saved_model.pb")
    assert notes.read_saved_model(tmp_path) is None
    (tmp_path / "assets.extra").mkdir()
    written(b"{}", "assets.extra/trizoo.json")
    assert notes.read_saved_model(tmp_path) == "{}"
    written(b" " * (1 << 24) + b" ", "assets.extra/trizoo.json")
    assert notes.read_saved_model(tmp_path) is None
    written(b"\xff", "assets.extra/trizoo.json")
    assert notes.read_saved_model(tmp_path) is None


@pytest.mark.parametrize("name", ["saved_model.cpb", "saved_model.pbtxt", "assets/a"])
def test_a_saved_model_with_more_in_it_is_refused(written, tmp_path, name):
    for folder in ("assets.extra", "assets"):
        (tmp_path / folder).mkdir()
    for part in ("saved_model.pb", "assets.extra/trizoo.json", name):
        written(b"{}", part)
    with pytest.raises(UserError, match=f"holds {re.escape(name)}, which trizoo export doesn't write"):
        notes.read_saved_model(tmp_path)


@pytest.mark.parametrize("read", [notes.read_onnx, notes.read_openvino, notes.read_tflite])
def test_a_pipe_or_a_folder_is_no_file(tmp_path, read):
    pipe, folder = tmp_path / "a.x", tmp_path / "b.x"
    os.mkfifo(pipe)
    folder.mkdir()
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).touch()
    for path in (pipe, folder):
        with pytest.raises(UserError, match=r"[ab]\.x is no file; the path of a file of trizoo export is needed"):
            read(path)


def test_a_long_tag_of_openvinos_takes_no_time_by_its_square(written):
    """Fed by 16 kB at a time this took half a minute."""
    written(b"", "a.bin")
    before = time.process_time()
    text = f'<net><rt_info><trizoo value="{"x" * 15_000_000}"/></rt_info></net>'
    assert len(notes.read_openvino(written(text.encode(), "a.xml"))) == 15_000_000
    assert time.process_time() - before < 5


def test_a_long_namespace_of_openvinos_is_not_written_into_every_tag(written):
    """ElementTree's parser does that: minutes for a file of 1.5 MB."""
    written(b"", "a.bin")
    before = time.process_time()
    text = f'<net xmlns:n="{"u" * 1_000_000}">{"<n:a/>" * 90_000}<rt_info><trizoo value="{{}}"/></rt_info></net>'
    assert notes.read_openvino(written(text.encode(), "a.xml")) == "{}"
    assert time.process_time() - before < 5


def test_a_tflite_file_without_its_json_is_called_that(written):
    with pytest.raises(UserError, match=r"a\.tflite has no a\.json beside it, where trizoo export writes"):
        notes.read_tflite(written(b"....TFL3", "a.tflite"))
