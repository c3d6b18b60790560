import json

from trizoo.ground.errors import UserError, harmless, sentence


def test_what_a_sentence_quotes_is_one_line_of_bounded_words():
    text = str(UserError(f"a\x1b[31m\nb {'x' * 10_000} \u202ec"))
    assert text.startswith("a\\x1b[31m\\nb xxx")
    assert text.endswith("xxx \\u202ec")
    assert len(text) < 240
    assert "…" in text
    assert len(sentence("y " * 100_000)) == 4000


def test_a_sentence_in_any_script_stays_as_it_is():
    text = "bild/猫 é.png holds 'собака', which is no class: the classes are a, b"
    assert str(UserError(text)) == text


def test_lines_for_a_terminal_hold_nothing_that_it_obeys_and_json_keeps_its_meaning():
    assert harmless("a\x1b[31m\tb\nbild/猫 é") == "a\\u001b[31m\tb\nbild/猫 é"
    value = ["\x7f", "\x9b", "\u202e", "\n"]
    assert json.loads(harmless(json.dumps(value, ensure_ascii=False))) == value
