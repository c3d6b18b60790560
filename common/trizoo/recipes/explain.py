"""pydantic's validation errors as one sentence: the key, the value received, where it is written, what would do."""

from trizoo.ground.text import suggest
from trizoo.ground.yaml_tree import find
from trizoo.recipes.outline import kinds_with, locate, spot_of

FLAGS = ("workers", "device", "out", "resume", "weights")  # of train, which are easily taken for keys


def explain(error, schema, tree):
    """The sentence for a ValidationError of `schema`, whose input was `tree`: its first problem, and how many more.

    Unknown keys go first: a key that is spelt wrongly often shows as a missing one as well.
    """
    problems = {}
    for item in error.errors(include_url=False):
        path, names = locate(schema, item["loc"])
        problems.setdefault(path, (names, []))[1].append(item)
    ranked = sorted(problems.items(), key=lambda problem: problem[1][1][0]["type"] != "extra_forbidden")
    path, (names, items) = ranked[0]
    sentence = f"{find(tree, path).location.where}: {_sentence(path, names, items, schema, tree)}"
    if items[0]["type"] in ("model_type", "model_attributes_type", "dict_type"):
        sentence += "".join(f", or the word {word}" for word in spot_of(schema, path).words)
    more = len(problems) - 1
    return sentence + (f" (and {more} more problem{'s' if more > 1 else ''})" if more else "")


def _sentence(path, names, items, schema, tree):
    key, first = ".".join(path), items[0]
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        hint = _of_others(path, first["loc"], schema) or _elsewhere(path, tree) or suggest(path[-1], names)
        return f"unknown key {key!r}{hint}"
    if kind == "missing" and isinstance(first["input"], list | tuple):
        return f"{'.'.join(path[:-1])} is {_short(first['input'])}; it should have more values"
    if kind == "missing":
        return f"{key} is missing; it has no default"
    if kind == "union_tag_not_found":
        return f"{key} has no {context['discriminator'].strip(chr(39))!r}, which says what it is"
    if kind == "union_tag_invalid":
        tags = [tag.strip("' ") for tag in context["expected_tags"].split(",")]
        return f"{key}.{context['discriminator'].strip(chr(39))} is {context['tag']!r}{suggest(context['tag'], tags)}"
    if kind in ("value_error", "assertion_error"):
        reason = str(context["error"])
        if isinstance(first["input"], dict):  # a check on several keys together: its text says which
            return f"{key}: {reason}" if key else reason
        return f"{key} is {_short(first['input'])}; {reason}"
    wanted = dict.fromkeys(_wanted(item) for item in items)
    return f"{key or 'the recipe'} is {_short(first['input'])}; it should be {' or '.join(wanted)}"


def _of_others(path, location, schema):
    """The end of a sentence about a key that sections of other kinds have, such as other models' losses, or nothing."""
    kinds, key = kinds_with(schema, location)
    if not kinds:
        return ""
    has = "has" if len(kinds) == 1 else "have"
    own = f"{'.'.join((*path[:-1], key))} is {location[-2]}"
    return f", which only {' and '.join(kinds)} {has}, and {own}; leaving it out would do"


def _elsewhere(path, tree):
    """The end of a sentence about a key that has another place in the recipe or is a flag, or nothing."""
    name = path[-1].replace("-", "_")
    if name in FLAGS:
        return f"; --{name} is a flag of its own, and no recipe has it"
    places = [".".join(place) for place in _places(name, tree) if place != path]
    return f"; did you mean {' or '.join(map(repr, places[:3]))}?" if places else ""


def _places(name, node, path=()):
    """The paths of the keys called `name`, lists left out."""
    for key, item in node.value.items() if isinstance(node.value, dict) else ():
        if key == name:
            yield (*path, key)
        yield from _places(name, item, (*path, key))


def _wanted(item):
    """What would do, as pydantic says it, without its own type names."""
    kind, message = item["type"], item["msg"]
    if kind in ("tuple_type", "list_type", "set_type", "frozen_set_type"):
        return "a list"
    if kind in ("model_type", "dict_type", "model_attributes_type", "mapping_type"):
        return "a mapping of keys to values"
    if kind in ("too_long", "too_short"):
        context = item["ctx"]
        bound = f"at most {context['max_length']}" if kind == "too_long" else f"at least {context['min_length']}"
        return f"a list of {bound} (it has {context['actual_length']})"
    if kind.endswith("_parsing") or kind == "int_from_float":
        message = message.split(",")[0]
    return message.removeprefix("Input should be ")


def _short(value):
    text = {None: "null", True: "true", False: "false"}.get(value) if isinstance(value, bool | None) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
