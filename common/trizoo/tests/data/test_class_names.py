import pytest
from hypothesis import given
from hypothesis import strategies as st

from trizoo.data.class_names import class_name, given_names, looks_alike_key, mixes_scripts, spellings
from trizoo.ground.errors import UserError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("cat", "cat"),
        (" traffic \r\n\t light ", "traffic light"),
        ("a\u3000b\xa0c", "a b c"),
        ("cafe\u0301", "caf\xe9"),
        ("\u1112\u1161\u11ab", "한"),
        ("ｃａｔ", "ｃａｔ"),  # wide letters are told of, not changed
        ("", ""),
        (" \n", ""),
    ],
)
def test_names_are_composed_and_their_blanks_joined(written, read):
    assert class_name(written) == read


@given(st.text())
def test_a_read_name_is_read_as_itself(text):
    assert class_name(class_name(text)) == class_name(text)


def test_endless_names_are_refused():
    assert len(class_name("a" * 1000)) == 1000
    with pytest.raises(UserError, match=r"the class name 'aaaaaaaaaaaaaaaaaaaa'\.\.\. has 1,001 characters; 1,000 are"):
        class_name("a" * 1001)


@pytest.mark.parametrize(
    "other",
    ["Traffic Light", "traffic-light", "traffic_light", "trafficlight", "traffic\u2013light", "traffic\u200b light",
     "ｔｒａｆｆｉｃ　light", "\ufefftraffic light", "traffic\ufe0f light", "traf\xadfic light", "tra\ufb03c light"],
)  # fmt: skip
def test_names_that_look_alike_have_one_key(other):
    assert looks_alike_key(other) == looks_alike_key("traffic light")


@pytest.mark.parametrize(
    ("one", "other"),
    [("cat", "cats"), ("defect 1 2", "defect 12"), ("-1", "1"), ("5", "6"), ("猫", "犬"), ("a", "ä")],
)
def test_names_that_differ_have_two_keys(one, other):
    assert looks_alike_key(one) != looks_alike_key(other)


def test_separators_count_between_digits_only():
    assert looks_alike_key("v-1-2") == looks_alike_key("V 1_2") == "v1 2"


def test_spellings_show_what_cannot_be_seen():
    assert spellings("Cat", "cat") == ("'Cat'", "'cat'")
    assert spellings("猫", "猫 ") == ("'猫'", "'猫 '")
    assert spellings("猫", "猫\ufe0f") == (r"'\u732b'", r"'\u732b\ufe0f'")
    assert spellings("caf\xe9", "cafe\u0301") == (r"'caf\xe9'", r"'cafe\u0301'")


@pytest.mark.parametrize(
    ("name", "mixed"),
    [("cat", 0), ("c\u0430t", 1), ("\u043a\u043e\u0442 cat", 0), ("\u03b2-cell", 0), ("猫cat", 0), ("cell \u03bfr", 1)],
)
def test_words_of_two_scripts_are_found(name, mixed):
    assert mixes_scripts(name) == bool(mixed)


def test_given_names_stay_as_they_are():
    assert given_names([" cat", "Cat"]) == [" cat", "Cat"]
