import pytest

from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict, load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe


def test_a_map_is_pairs_and_survives_a_checkpoint():
    recipe = load(
        Recipe, overrides=[parse_assignment("data.classes_map={tvmonitor: tv, person: null, 1: 'a=b'}")]
    ).recipe
    assert recipe.data.classes_map == (("tvmonitor", "tv"), ("person", ""), ("1", "a=b"))
    assert from_dict(Recipe, to_dict(recipe), "here") == recipe
    hash(recipe)


def test_a_map_replaces_a_checkpoint_s_as_a_whole():
    overrides = [parse_assignment("data.classes_map=[[a, x]]"), parse_assignment("data.classes_map={b: x}")]
    assert load(Recipe, overrides=overrides).recipe.data.classes_map == (("b", "x"),)


@pytest.mark.parametrize("value", ["3", "[a, b]", "[[a, b], [a, c]]"])
def test_anything_else_is_refused(value):
    with pytest.raises(UserError, match="classes_map"):
        load(Recipe, overrides=[parse_assignment(f"data.classes_map={value}")])


def test_overfit_and_limit_together_are_refused():
    with pytest.raises(UserError, match="overfit is 3 and limit 4"):
        load(Recipe, overrides=[parse_assignment("data.overfit=3"), parse_assignment("data.limit=4")])


@pytest.mark.parametrize("classes", ["[cat, '']", "[cat, ' cat']"])
def test_classes_without_a_name_or_with_the_same_are_refused(classes):
    with pytest.raises(UserError, match=r"classes.*of those given"):
        load(Recipe, overrides=[parse_assignment(f"classes={classes}")])
