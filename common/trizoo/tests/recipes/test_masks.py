import json

import pytest
import yaml

from trizoo.data.masks.encoding import spread
from trizoo.ground.errors import UserError
from trizoo.recipes.describe import dump
from trizoo.recipes.load import from_dict, load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe


def data_of(*assignments, file=None):
    return load(Recipe, file=file, overrides=[parse_assignment(text) for text in assignments]).recipe.data


def test_a_mask_map_is_a_mapping_of_values_to_classes(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("data:\n  mask_map: {255: 1, 128: 2}\n", encoding="utf-8")
    recipe = load(Recipe, file=path).recipe
    assert dict(recipe.data.mask_map) == {128: 2, 255: 1}
    hash(recipe)
    assert from_dict(Recipe, to_dict(recipe), "here") == recipe
    path.write_text(dump(recipe), encoding="utf-8")
    assert load(Recipe, file=path).recipe == recipe
    # the command line's map is in the place of the file's, not beside it
    assert dict(data_of("data.mask_map={255: 3}", file=path).mask_map) == {255: 3}
    assert data_of("data.mask_map={}", file=path).mask_map == ()
    assert data_of("data.mask_map={128-255: 1, 0-127: 0}").mask_map == (("0-127", 0), ("128-255", 1))


def test_a_palette_is_colours_as_numbers_or_hex_or_vocs():
    assert data_of('data.palette=[[0, 0, 0], "800000", "#00ff7f"]').palette == ((0, 0, 0), (128, 0, 0), (0, 255, 127))
    assert data_of("data.palette=voc").palette[15] == (192, 128, 128)
    assert data_of("data.ignore_colours=[e0e0c0]").ignore_colours == ((224, 224, 192),)
    assert (data_of().palette, data_of().ignore_colours, data_of().mask_map) == (None, (), ())


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("data.mask_map=255", r"data\.mask_map is 255; a mapping of values in mask files to class ids is needed"),
        ("data.mask_map={255: 256}", r"data\.mask_map.* is 256; it should be"),
        ("data.mask_map={a: 1}", "a value of 0 to 65535 is needed, or a range such as 128-255"),
        ("data.mask_map=[[1, 2], [1, 3]]", "stand once each"),
        ("data.palette=[red]", "'red' is no colour"),
        ("data.palette=[[0, 0]]", r"data\.palette\.0 is \[0, 0\]; it should"),
        ("data.layout=mask", "it should be 'voc', "),
    ],
)
def test_wrong_values_are_explained(assignment, text):
    with pytest.raises(UserError, match=text):
        data_of(assignment)


def test_a_mask_map_with_ranges_is_read_back_from_what_is_saved():
    recipe = load(Recipe, overrides=[("data.mask_map", {"128-254": 1, 255: 2, "0-127": 0}, "test")]).recipe
    assert recipe.data.mask_map == (("0-127", 0), ("128-254", 1), (255, 2))
    saved = yaml.safe_load(dump(recipe))
    assert from_dict(Recipe, saved, "test").data == recipe.data
    assert from_dict(Recipe, json.loads(json.dumps(to_dict(recipe))), "test").data == recipe.data
    assert spread(dict(recipe.data.mask_map))[200] == 1
