"""XML from strangers, tag by tag."""

from xml.parsers.expat import ExpatError

import pytest

from trizoo.ground.xml import DTDError, parser_of


def seen(text):
    """What a parser tells of a text, in its order."""
    told = []
    parser = parser_of(lambda tag, attributes: told.append((tag, attributes)), told.append, told.append)
    parser.Parse(text, True)
    return told


def test_tags_their_attributes_and_the_text_between_come_in_order():
    assert seen('<a b="1">two<c/></a>') == [("a", {"b": "1"}), "two", ("c", {}), "c", "a"]


def test_prefixes_stay_as_they_are_written():
    address = "u" * (1 << 20)
    told = seen(f"<a xmlns:n='{address}'>{'<n:b/>' * 50_000}</a>")  # 50 gigabytes, with the address in every tag
    assert told[1:3] == [("n:b", {}), "n:b"]
    assert len(told) == 100_002


@pytest.mark.parametrize("declared", ["<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!DOCTYPE a SYSTEM 'b'>"])
def test_document_types_are_refused(declared):
    with pytest.raises(DTDError):
        seen(f"{declared}<a/>")


def test_what_is_no_xml_is_expats_error():
    with pytest.raises(ExpatError):
        seen("<a>")
