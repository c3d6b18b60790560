from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from trizoo.ground.yaml_tree import Location, unwrap, wrap
from trizoo.recipes.outline import Spot, default_tree, locate, merge, to_plain
from trizoo.recipes.schema import Recipe

HERE = Location("here", "here")


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog", "hound"] = "dog"
    cat: int = 0
    sizes: dict[str, tuple[int, ...]] = {}


class Owner(BaseModel):
    name: str
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    either: Cat | Dog | None = None
    home: Cat
    others: dict[str, Cat] = {}


def merged(below, above, schema=Owner):
    return unwrap(merge(wrap(below, HERE), wrap(above, HERE), Spot((schema,))))


@pytest.mark.parametrize(
    ("data", "path", "names"),
    [
        ({"name": 3, "home": {}}, "name", list(Owner.model_fields)),
        # pydantic's location is pet, dog, cat: the first of the last two is the member, the second the field
        ({"name": "a", "home": {}, "pet": {"kind": "dog", "cat": "x"}}, "pet.cat", list(Dog.model_fields)),
        ({"name": "a", "home": {}, "pet": {"kind": "hound", "sizes": {"cat": [1, "x"]}}}, "pet.sizes.cat.1", []),
        ({"name": "a", "home": {}, "pet": {"kind": "cow"}}, "pet", list(Owner.model_fields)),
        ({"name": "a", "home": {"lives": "x"}}, "home.lives", list(Cat.model_fields)),
        ({"name": "a", "home": {}, "others": {"b": {"lives": "x"}}}, "others.b.lives", list(Cat.model_fields)),
    ],
)
def test_the_members_of_unions_are_no_part_of_a_key(data, path, names):
    with pytest.raises(ValidationError) as caught:
        Owner.model_validate(data)
    got, known = locate(Owner, caught.value.errors()[0]["loc"])
    assert (".".join(got), list(known)) == (path, names)


def test_mappings_merge_deeply_and_everything_else_replaces():
    below = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    assert merged(below, {"a": {"c": [3]}, "d": {"x": 1}, "e": None}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"x": 1},
        "e": None,
    }


def test_merging_leaves_both_trees_as_they_were():
    below, above = wrap({"a": {"b": 1}}, HERE), wrap({"a": {"c": 2}}, HERE)
    merge(below, above, Spot())
    assert (unwrap(below), unwrap(above)) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_in_a_union_only_the_same_kind_merges():
    below = {"pet": {"kind": "dog", "cat": 1}}
    assert merged(below, {"pet": {"sizes": {}}}) == {"pet": {"kind": "dog", "cat": 1, "sizes": {}}}
    assert merged(below, {"pet": {"kind": "dog", "sizes": {}}}) == {"pet": {"kind": "dog", "cat": 1, "sizes": {}}}
    assert merged(below, {"pet": {"kind": "cat"}}) == {"pet": {"kind": "cat"}}
    assert merged({"either": {"lives": 1}}, {"either": {"cat": 2}}) == {"either": {"cat": 2}}


def test_the_default_tree_has_the_defaults_within_required_parts_too():
    assert unwrap(default_tree(Owner, HERE)) == {
        "pet": None,
        "either": None,
        "home": {"kind": "cat", "lives": 9},
        "others": {},
    }


def test_the_defaults_of_the_real_schema_are_a_valid_recipe():
    assert Recipe.model_validate(unwrap(default_tree(Recipe, HERE))) == Recipe()
    assert to_plain(Recipe()) == unwrap(default_tree(Recipe, HERE))
