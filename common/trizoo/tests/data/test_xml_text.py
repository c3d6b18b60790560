from pathlib import Path

import pytest

from trizoo.data.boxes.voc_xml import read_annotation
from trizoo.data.xml_text import MOST_BYTES, parse_xml
from trizoo.ground.errors import UserError

PATH = Path("a.xml")


def test_tags_lose_their_namespace_and_capitals():
    root, problems = parse_xml('<n:A xmlns:n="urn:n" n:b="1"><C/></n:A>', PATH)
    assert ([element.tag for element in root.iter()], problems) == (["a", "c"], [])


def test_lines_stand_in_for_attributes_where_they_are_wanted():
    root, _ = parse_xml('<a b="1">\n\n<c/></a>', PATH, with_lines=True)
    assert [element.attrib for element in root.iter()] == [{"line": 1}, {"line": 3}]
    assert parse_xml('<a b="1"/>', PATH)[0].attrib == {"b": "1"}


@pytest.mark.parametrize(
    "text",
    ["<!DOCTYPE a><a/>", "\n<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<!-- --><!DOCTYPE a SYSTEM 'file:///b'><a/>",
     "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://127.0.0.1:9/'> %b;]><a/>"],
)  # fmt: skip
def test_document_types_are_refused(text):
    with pytest.raises(UserError, match=r"a\.xml brings a DTD or entities along, .*; remove them"):
        parse_xml(text, PATH)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-7", "utf-32", "cp037"])
def test_document_types_are_refused_in_every_encoding(tmp_path, encoding):
    bomb = '<!DOCTYPE a [<!ENTITY b "boom">]><annotation><filename>&b;</filename></annotation>'
    for prolog in ("", f'<?xml version="1.0" encoding="{encoding}"?>'):
        path = tmp_path / "a.xml"
        path.write_bytes((prolog + bomb).encode(encoding))
        with pytest.raises(UserError) as caught:
            read_annotation(path)
        assert "boom" not in str(caught.value)
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{bomb}'.encode())
    with pytest.raises(UserError):
        read_annotation(path)


@pytest.mark.parametrize("mark", ["<a/>", '<a b="" c="" d=""/>', "&amp;"])
def test_more_marks_than_an_annotation_has_are_refused(mark):
    with pytest.raises(UserError, match=r"has [\d,]+ tags, attributes or &; an annotation may have 262,144"):
        parse_xml(f"<a>{mark * 262_145}</a>", PATH)


@pytest.mark.parametrize(
    "text",
    [
        f"<a>{'b' * (1 << 23)}{'b<!---->' * 50_000}</a>",  # the text so far copied at every comment: minutes
        f"<a xmlns:n='{'u' * (1 << 20)}'>{''.join(f'<n:b{i}/>' for i in range(50_000))}</a>",  # 50 gigabytes of tags
        f"<a><![CDATA[{'&' * (1 << 18)}]]></a>",
        f"<a>{' &b' * (1 << 17)}</a>",
    ],
    ids=["comments", "namespace", "cdata", "ampersands"],
)
def test_traps_for_time_and_memory_end_soon(text):
    assert parse_xml(text, PATH)[0].tag == "a"


def test_endless_prolog_is_refused_soon(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(b"<?xml" + b" encoding " * (1 << 20))
    with pytest.raises(UserError, match="not well-formed"):
        read_annotation(path)


def test_zero_characters_are_refused():
    # expat takes what begins so for UTF-16, whatever it is told
    with pytest.raises(UserError, match=r"not well-formed XML .it holds a character 0"):
        parse_xml("<!DOCTYPE a><a/>".encode("utf-16-le").decode(), PATH)


def test_file_of_too_many_bytes_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UserError, match=r"a\.xml has 16,777,217 bytes; a text file has at most 16,777,216"):
        read_annotation(path)


@pytest.mark.parametrize("encoding", ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "rot13"])
def test_codecs_that_are_no_encodings_of_files_are_unknown(tmp_path, encoding):
    path = tmp_path / "a.xml"
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>'.encode())
    with pytest.raises(UserError, match="which is unknown; save it as UTF-8"):
        read_annotation(path)
