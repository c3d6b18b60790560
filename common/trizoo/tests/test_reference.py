"""The committed references are what docs/make_reference.py writes, and every key in them has a meaning."""

import json

import pytest
import yaml

from trizoo.recipes.load import RECIPES
from trizoo.tests.scripts import DOCS, load_script

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the repository")


@pytest.fixture(scope="module")
def reference():
    return load_script("make_reference")


def test_the_references_are_what_the_command_writes(reference):
    for path, text in reference.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"python docs/make_reference.py would change {path.name}"


def test_the_page_of_names_is_what_the_command_writes():
    assert (DOCS / "api.md").read_text(encoding="utf-8") == load_script("make_api").page(), "python docs/make_api.py"


def test_every_row_of_the_references_has_a_meaning(reference):
    for path in (DOCS / "recipes.md", DOCS / "flags.md"):
        rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
        assert rows
        assert [row for row in rows if "|  |" in row] == []


def test_the_schema_knows_every_key_of_the_zoos_recipes(reference):
    tree = reference.schema()

    def unknown(value, about, path):
        """Paths of the keys of a recipe that the schema hasn't."""
        if not isinstance(value, dict):
            return []
        own = [about, *about.get("anyOf", [])]
        sections = [tree["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part for part in own]
        if any(part.get("type") == "object" and "properties" not in part for part in sections):
            return []
        known = {key: found for part in sections for key, found in part.get("properties", {}).items()}
        missing = [f"{path}.{key}" for key in value if key not in known]
        return missing + [
            name for key in value.keys() & known.keys() for name in unknown(value[key], known[key], f"{path}.{key}")
        ]

    for path in sorted(RECIPES.glob("*.yaml")):
        assert unknown(yaml.safe_load(path.read_text(encoding="utf-8")), tree, path.stem) == []


def test_the_schema_refuses_a_key_that_there_is_not(reference):
    # what an editor underlines: draft 2020-12, sections closed, of a union's members one that fits
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(json.loads((DOCS / "recipe.schema.json").read_text(encoding="utf-8")))
    for path in sorted(RECIPES.glob("*.yaml")):
        assert [error.message for error in check.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))] == []
    own = {"_base_": "yolov3-tiny", "data": {"mask_map": {255: 1}, "palette": "voc", "classes_map": {"a": "b"}}}
    assert list(check.iter_errors(own | {"loss": {"box": "giou"}, "resize": None, "schedule": "auto"})) == []
    for wrong in (
        {"shedule": {}},
        {"schedule": "fast"},
        {"schedule": {"lr": -1}},
        {"augment": [{"op": "flop"}]},
        {"loss": {"kind": "yola"}},
    ):
        assert list(check.iter_errors(wrong)) != [], wrong
