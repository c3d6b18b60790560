import re

import pytest

from trizoo.recipes.describe import describe, dump, is_dump
from trizoo.recipes.load import Loaded, load, parse_assignment
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data

RECIPES = [
    "name: a\n",
    "name: a\nclasses: []\naugment: []\nanchors: []\nweights: {}\n",
    "name: 'no'\nclasses: ['1e-3', 'null', '', 'a: b', '#', '- a', 'a, b', \"line\\nbreak\", '猫', '😀']\n",
    "name: a\nweights: {'a b': 0.1, '1': 1e-300, 'x: y': .inf, 'yes': 3, '': 0}\n",
    "name: a\nschedule: {lr: 0.30000000000000004, epochs: null, iterations: 123456789012}\n"
    "anchors: [[10, 13.5], [1e-5, 1e22]]\n",
    "name: a\naugment: [{op: flip}, {op: jitter, scale: [0.1, 3]}]\nloss: {kind: cross_entropy}\n",
    "name: " + "word " * 40 + "\nclasses: [" + ", ".join(f"class number {n}" for n in range(300)) + "]\n",
    "name: a\nclasses: [" + "x" * 200 + ", b, " + "y" * 90 + "]\n",
]


@pytest.mark.parametrize("text", RECIPES, ids=range(len(RECIPES)))
def test_load_of_dump_is_the_same_recipe(schema, load_text, text):
    recipe = load_text(text).recipe
    assert load_text(dump(recipe)).recipe == recipe


@pytest.mark.parametrize("text", RECIPES, ids=range(len(RECIPES)))
def test_a_description_is_itself_a_recipe_file(load_text, text):
    loaded = load_text(text)
    assert load_text(describe(loaded)).recipe == loaded.recipe


def test_a_description_shows_each_value_with_its_origin(load_text):
    loaded = load_text(
        "name: a\naugment:\n- op: flip\n", parse_assignment("schedule.lr=1e-3"), parse_assignment("input_size.0=320")
    )
    assert describe(loaded) == (
        "name: a                 # file my.yaml\n"
        "classes: []             # default\n"
        "input_size: [320, 416]  # command line --set input_size.0, default\n"
        "anchors: null           # default\n"
        "workers: auto           # default\n"
        "amp: true               # default\n"
        "augment:\n"
        "  - op: flip            # file my.yaml\n"
        "    probability: 0.5    # default\n"
        "loss:\n"
        "  kind: focal           # default\n"
        "  gamma: 1.5            # default\n"
        "schedule:\n"
        "  epochs: 100           # default\n"
        "  iterations: null      # default\n"
        "  lr: 0.001             # command line --set schedule.lr\n"
        "  kind: cosine          # default\n"
        "weights: {}             # default\n"
    )


def test_long_lists_wrap_and_lines_stay_readable(load_text):
    text = describe(load_text("name: a\nclasses: [" + ", ".join(f"class {number}" for number in range(100)) + "]\n"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("classes: [class 0, class 1,")
    assert lines[1].endswith("  # file my.yaml")
    assert sum("# " in line for line in lines) == sum(not re.fullmatch(r"\w+:|  class .*", line) for line in lines)


def test_an_origin_with_line_breaks_stays_a_comment(schema, load_text):
    loaded = load_text("name: a\n")
    broken = Loaded(loaded.recipe, dict.fromkeys(loaded.origins, "a\nb: 1"))
    assert load_text(describe(broken)).recipe == loaded.recipe


def test_a_dump_has_no_bases_and_no_comments(schema, load_text, write):
    write("base.yaml", "name: a\n")
    text = dump(load_text("_base_: base.yaml\n").recipe)
    assert "_base_" not in text
    assert "#" not in text
    assert text == dump(load(schema, overrides=[("name", "a", "")]).recipe)


def test_remarks_are_no_part_of_what_a_recipe_says():
    recipe = Recipe(data=Data(root="photos  # of mine"))
    text = dump(recipe, {"data.root": "found", "schedule.batch_size": "by memory"})
    assert "  root: 'photos  # of mine'  # found\n" in text
    assert "  batch_size: 8  # by memory\n" in text
    assert is_dump("# a note\n" + text, recipe)
    assert not is_dump(text, Recipe())
    assert not is_dump("{", recipe)
