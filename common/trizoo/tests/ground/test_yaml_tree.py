import random

import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.yaml_tree import Location, find, parse, render, unwrap, wrap


def read(text):
    return parse(text, lambda line: Location("file a.yaml", f"a.yaml line {line}"))


def test_every_value_knows_its_line():
    tree = read("a: 1\nb:\n  c:\n    - 2\n    - d: 3\n")
    lines = {"a": 1, "b": 2, "b.c": 3, "b.c.0": 4, "b.c.1": 5, "b.c.1.d": 5}
    assert {key: find(tree, key.split(".")).location.where for key in lines} == {
        key: f"a.yaml line {line}" for key, line in lines.items()
    }


def test_find_stops_at_the_last_that_exists():
    tree = read("a:\n  b: [1]\n")
    assert find(tree, ("a", "c", "d")) is find(tree, ("a",))
    assert find(tree, ("a", "b", "1")) is find(tree, ("a", "b"))


def test_unwrap_of_wrap_is_the_same_data():
    data = {"a": [1, {"b": None}], "c": {}, "d": []}
    assert unwrap(wrap(data, Location("", ""))) == data


def test_a_text_without_values_is_none():
    assert read("") is read("# a comment\n") is None


def test_keys_are_text_as_written():
    assert unwrap(read("1: a\n0x10: b\nyes: c\n'': d\n")) == {"1": "a", "0x10": "b", "yes": "c", "": "d"}


def test_aliases_are_read():
    assert unwrap(read("a: &range [1, 2]\nb: *range\n")) == {"a": [1, 2], "b": [1, 2]}


def test_aliases_of_strangers_are_refused():
    text = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [{f'*b{i - 1}, ' * 9}]\n" for i in range(1, 30))
    for bomb in (text.replace("*b0", "*a"), "a: &a [*a]\n", "a: &a 1\nb: *a\n"):
        with pytest.raises(UserError, match=r"^a\.yaml line \d: this is no YAML: the alias \*a has no place here"):
            parse(bomb, lambda line: Location("file a.yaml", f"a.yaml line {line}"), aliases=False)
    assert unwrap(parse("a: &a [1]\n", lambda line: None, aliases=False)) == {"a": [1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml line 3: the key 'a' is there already, on line 1; one has to go"),
        ("s:\n  lr: 1\n  'lr': 2\n", "a.yaml line 3: the key 'lr' is there already, on line 2"),
        ("s: {lr: 1, lr: 2}\n", "a.yaml line 1: the key 'lr' is there already"),
        ("a: 1\nb: [1,\n", "a.yaml line 3: this is no YAML: expected the node content, but found the end of the text"),
        ("a: 1\n\tb: 2\n", "a.yaml line 2: this is no YAML: found character '\\\\t'"),
        ("a: b: c\n", "a.yaml line 1: this is no YAML: mapping values are not allowed here"),
        ("a: *b\n", "a.yaml line 1: this is no YAML: found undefined alias 'b'"),
        ("a: 1\n---\na: 2\n", "a.yaml line 2: this is no YAML: expected a single document in the stream, but found"),
        ("a: 1\nb: \x07\n", r"a.yaml line 2: YAML cannot hold the character U\+0007"),
        ("? [a, b]\n: 1\n", "a.yaml line 1: a key is a list or a mapping; a name is needed"),
        ("a: !!python/name:os.system\n", "a.yaml line 1: the tag .*python/name:os.system' has no place here"),
        ("a: !!set {b, c}\n", "a.yaml line 1: the tag .*set' has no place"),
        ("a: !!timestamp 2024-01-01\n", "a.yaml line 1: the tag .*timestamp' has no place"),
        ("a: !!int many\n", "a.yaml line 1: 'many' is no int"),
        ("a: !!bool many\n", "a.yaml line 1: 'many' is no bool"),
        (f"a: {'9' * 5000}\n", "a.yaml line 1: '9{39}…' is no int"),
        ("a: &a [*a]\n", "a.yaml line 1: the values are nested too deeply, or an alias contains itself"),
        ("a: " + "[" * 5000, "a.yaml line 1: the values are nested too deeply"),
    ],
)
def test_text_that_is_no_recipe_is_an_error_with_its_line(text, message):
    with pytest.raises(UserError, match=f"^{message}"):
        read(text)


NASTY = [
    *(
        "",
        " ",
        "a ",
        "no",
        "Yes",
        "null",
        "~",
        "none",
        "1e-3",
        "1E5",
        "0o17",
        "017",
        "0x1f",
        "12:30",
        "1_000",
        "2024-01-01",
    ),
    *(
        "=",
        "<<",
        "-",
        "- a",
        "?",
        ":",
        "a: b",
        "a:",
        "#",
        "a #b",
        "a, b",
        "[a]",
        "{a}",
        "]",
        "}",
        "*a",
        "&a",
        "!a",
        "%a",
    ),
    *(
        "@a",
        "`a",
        "|",
        ">",
        "'",
        '"',
        "it's",
        '"a"',
        "a\nb",
        "a\n\nb\n",
        "\ta",
        "a\r",
        "\x85",
        "\u2028",
        "\xa0",
        "\ufeff",
    ),
    *(
        "\0",
        "\x07",
        "\\n",
        "猫",
        "собака",
        "😀",
        "é" * 300,
        "word " * 60,
        ".inf",
        ".nan",
        "---",
        "...",
        "--- a",
        "_base_",
    ),
]
NUMBERS = [
    0,
    -1,
    2**70,
    0.1,
    -0.0,
    1e-5,
    1e16,
    1e22,
    5e-324,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    0.1 + 0.2,
]


@pytest.mark.parametrize("value", [*NASTY, *NUMBERS, None, True, False, [], {}], ids=repr)
def test_parse_of_render_is_the_same_value(value):
    text = render(value)
    assert "\n" not in text
    for document in (f"a: {text}  # comment\n", f"{{a: {text}}}\n"):
        assert repr(unwrap(read(document))["a"]) == repr(value)
    for document in (f"a:\n  - {text}\n", f"a: [{text}, b]\n"):
        assert repr(unwrap(read(document))["a"][0]) == repr(value)
    if isinstance(value, str):
        assert unwrap(read(f"{text}: 1\n")) == {value: 1}


def test_parse_of_render_is_the_same_nested_value():
    chance = random.Random(0)

    def make(depth):
        kind = chance.randrange(4) if depth else 3
        if kind == 0:
            return [make(depth - 1) for _ in range(chance.randrange(4))]
        if kind == 1:
            return {chance.choice(NASTY): make(depth - 1) for _ in range(chance.randrange(4))}
        return chance.choice([*NASTY, *NUMBERS, None, True])

    for _ in range(200):
        value = make(3)
        assert repr(unwrap(read(f"a: {render(value)}\n"))) == repr({"a": value})


REPEATED = "a0: &a0 [1, 1, 1, 1]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (REPEATED, "more than 100,000 values, those that aliases repeat included"),
        ("a: 1\n" * 150_000, "more than 524,288 characters"),
        ("a: " + "[" * 10_000, "nested too deeply"),
        ("a: 0x" + "f" * 5000, "is no int"),
        ('a: "\\U00110000"', "an escape means no character"),
    ],
)
def test_what_a_text_can_grow_to_is_bounded(text, sentence):
    with pytest.raises(UserError, match=sentence):
        read(text)
