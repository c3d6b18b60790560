from trizoo.ground.errors import UserError, sentence


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
