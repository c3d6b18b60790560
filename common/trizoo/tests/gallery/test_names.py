import pytest

from trizoo.gallery.names import thing_name
from trizoo.ground.errors import UserError


@pytest.mark.parametrize(("text", "name"), [(" red\ncup ", "red cup"), ("e\u0301", "é"), ("猫 a,b", "猫 a,b")])
def test_a_name_is_composed_and_has_single_spaces(text, name):
    assert thing_name(text) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is '', which is blank"),
        (" \t", "which is blank"),
        ("\u200b", r"is '\\u200b', which is blank"),
        ("a\x00b", "holds control characters"),
        ("\x1b[31mred", "holds control characters"),
        (" unknown", "is what things without a name are called"),
        ("a" * 1001, "1,000 are the limit"),
    ],
)
def test_what_can_be_no_name_is_a_sentence(text, words):
    with pytest.raises(UserError, match=words):
        thing_name(text)
