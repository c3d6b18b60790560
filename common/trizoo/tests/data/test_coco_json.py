import json

import msgspec
import pytest

from trizoo.data import coco_json
from trizoo.data.coco_json import decode, holds_coco
from trizoo.ground.errors import UserError


class Wanted(msgspec.Struct):
    a: int
    rest: msgspec.Raw = msgspec.Raw()


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_what_is_not_wanted_is_not_decoded(tmp_path):
    path = write(tmp_path / "a.json", b'\xef\xbb\xbf{"a": 1, "b": [1, {"c": 2}], "rest": [1, 2]}')
    content = decode(path, Wanted)
    assert (content.a, bytes(content.rest)) == (1, b"[1, 2]")


def test_not_a_number_is_null(tmp_path, monkeypatch):
    path = write(tmp_path / "a.json", '{"a": 1, "rest": [NaN, -Infinity]}')
    assert bytes(decode(path, Wanted).rest) == b"[null,null]"
    monkeypatch.setattr(coco_json, "_MOST_READ_TWICE", 4)
    with pytest.raises(
        UserError, match=r"a\.json is no JSON \(invalid character at line 1 column 19\); write it again"
    ):
        decode(path, Wanted)


@pytest.mark.parametrize("most", [4, 1 << 20])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('{"a": 1,\n "b": ]}', "is no JSON .*line 2 column 7"),
        ('{"a": "b"}', r"isn't written as COCO's files are: Expected `int`, got `str` - at `\$\.a`"),
        ("{}", "missing required field `a`"),
        ("[1]", "isn't written as COCO's"),
        ('{"a": 1' + "0" * 5000 + "}", "isn't written as COCO's"),
        ('{"a": 1, "b": ' + "[" * 10**6, "is nested too deeply"),
    ],
)
def test_what_cannot_be_decoded_is_one_sentence(tmp_path, monkeypatch, data, text, most):
    monkeypatch.setattr(coco_json, "_MOST_READ_TWICE", most)
    with pytest.raises(UserError, match=text):
        decode(write(tmp_path / "a.json", data), Wanted)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe{\0}\0", b'{"a": 1, "\xff": 2', b'{"a": "\\ud800"}'])
def test_bytes_that_are_no_json_are_one_sentence(tmp_path, data):
    with pytest.raises(UserError, match=r"a\.json"):
        decode(write(tmp_path / "a.json", data), Wanted)


def test_files_that_are_not_there_or_too_large_are_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="can't be read: No such file"):
        decode(tmp_path / "none.json", Wanted)
    with pytest.raises(UserError, match="can't be read: Is a directory"):
        decode(tmp_path, Wanted)
    monkeypatch.setattr(coco_json, "MOST_BYTES", 4)
    with pytest.raises(UserError, match="has 8 bytes; a COCO file has at most 4"):
        decode(write(tmp_path / "a.json", '{"a": 1}'), Wanted)


@pytest.mark.parametrize(
    ("content", "held"),
    [
        ({"images": [], "annotations": [], "categories": []}, True),
        ({"images": [], "annotations": []}, False),
        ({"images": {}, "annotations": [], "categories": []}, False),
        ([], False),
    ],
)
def test_coco_is_known_by_its_three_lists(tmp_path, content, held):
    assert holds_coco(write(tmp_path / "a.json", json.dumps(content))) is held


def test_what_is_no_json_may_be_anything(tmp_path):
    assert holds_coco(write(tmp_path / "a.json", '{"images": [')) is None
    assert holds_coco(tmp_path / "none.json") is False
