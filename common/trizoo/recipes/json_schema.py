"""The JSON schema of recipe files, which editors complete and check by."""

from trizoo.recipes.load import BASE
from trizoo.recipes.schema import Recipe

MEANINGS = {  # of keys that mean the same wherever they stand
    "name": "which one",
    "op": "which operation",
    "kind": "which one",
    "probability": "how likely it happens to an image",
    "box": "the loss of boxes",
    "box_gain": "weight of the box term",
    "class_gain": "weight of the class term",
    "objectness_gain": "weight of the objectness term",
    "offset_gain": "weight of the offset term",
    "cross_entropy_gain": "weight of the cross-entropy term",
    "score": "boxes below this score are left out",
    "nms": "a box that overlaps a stronger one of its class by a larger IoU is left out",
    "max_detections": "most boxes of an image",
    "precision": "of the step's arithmetic",
    "seed": "of first weights, order and augmentation",
    "epochs": "first epochs in which the backbone is held still",
    "batch_size": "images a step",
    "holes": "how many",
    "images": "how many make one",
    "hue": "greatest change of hue, share of the circle",
    "saturation": "greatest gain of saturation, less 1",
    "value": "greatest gain of brightness, less 1",
    "jitter": "how much the ratio of width to height changes",
    "policy": "how an image is placed; none = as the recipe's resize",
}
# what files may also hold: the schema has what such a value becomes
WRITTEN_AS = {
    "classes_map": (("object",), "mapping of names to names"),
    "mask_map": (("object",), "mapping of values to ids"),
    "palette": (("array", "string"), "list of colours, a name, or none"),
    "ignore_colours": (("array", "string"), "list of colours"),
    "resize": (("null",), None),
    "schedule": (({"const": "auto"},), None),
}


def schema():
    """The JSON schema of a recipe file, for editors: a dict. Whatever a file leaves out its base or a default has."""
    tree = Recipe.model_json_schema()
    tree["title"] = "A recipe of TriZoo"
    tree["properties"] = {BASE: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}} | tree[
        "properties"
    ]
    tree["properties"][BASE]["description"] = "the recipe, or recipes, whose values hold where this file has none"
    for section in (tree, *tree["$defs"].values()):
        section.pop("required", None)
        for key, about in section["properties"].items():
            _open(key, about)
            meaning = meaning_of(key, about)
            if meaning and "$ref" not in about:
                about["description"] = meaning
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **tree}


def _open(key, about):
    """Changes what pydantic says of a key to what files may hold: of several sections one fits, not exactly one."""
    about.pop("title", None)
    for part in (about, about.get("items", {})):
        part.pop("discriminator", None)
        if "oneOf" in part:
            part["anyOf"] = part.pop("oneOf")
    if key in WRITTEN_AS:
        kept = {name: about.pop(name) for name in ("default", "description") if name in about}
        both = {"anyOf": [*about.get("anyOf", [dict(about)]), *(_as_schema(kind) for kind in WRITTEN_AS[key][0])]}
        about.clear()
        about.update(both | kept)


def _as_schema(kind):
    return {"type": kind} if isinstance(kind, str) else kind


def meaning_of(key, about):
    """What a key means, in a line; None where nobody wrote it down."""
    return about.get("description") or MEANINGS.get(key)
