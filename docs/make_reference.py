"""What docs/ has from code: `python docs/make_reference.py` writes recipes.md, recipe.schema.json and flags.md.

The recipe's keys come from its pydantic schema, the commands' flags from their parsers.
"""

import argparse
import json
from pathlib import Path

from trizoo.commands.main import COMMANDS, parser
from trizoo.families import ARCHITECTURES, FAMILIES
from trizoo.recipes.json_schema import WRITTEN_AS, meaning_of, schema
from trizoo.recipes.schema import Recipe

DOCS = Path(__file__).parent
WRITTEN_BY = "Written by `python docs/make_reference.py`"


def type_text(about):
    """What a key's value may be, in words."""
    if "const" in about:
        return f"`{about['const']}`"
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(type_text(part) for part in about["anyOf"]))
    if about.get("type") == "array":
        if "prefixItems" in about:
            return f"{len(about['prefixItems'])} of: {type_text(about['prefixItems'][0])}"
        return f"list of: {type_text(about['items'])}" if about.get("items") else "list"
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false", "null": "none"}
    bounds = [
        f"{sign} {about[key]:,g}" if about[key] < 1e6 else f"{sign} {about[key]:,}"
        for key, sign in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in about
    ]
    return " ".join([words.get(about.get("type"), "mapping"), *bounds])


def default_text(about):
    """A key's default as YAML would have it."""
    if "default" not in about:
        return ""
    value = about["default"]
    return f"`{'none' if value is None else json.dumps(value).replace(chr(34), '')}`"


def _row(cells):
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _table(properties, prefix, whose=None):
    """The lines of a section's table.

    Args:
        properties: {key: what the schema says of it}
        prefix: of the keys, such as "schedule."
        whose: {key: models that have it}, None where all have
    """
    heads = ["key", "value", "default", "meaning", *(["models"] if whose else [])]
    lines = [_row(heads), f"|{' --- |' * len(heads)}"]
    for key, about in properties.items():
        kind = WRITTEN_AS.get(key, ("", None))[1] or type_text(about)
        cells = [f"`{prefix}{key}`", kind, default_text(about), meaning_of(key, about) or ""]
        lines.append(_row([*cells, whose[key]] if whose else cells))
    return lines


def models_with():
    """{key of the model section: the families that have it, in words}."""
    words = {}
    options = {name: family.options.model_fields for name, family in FAMILIES.items()}
    for key in dict.fromkeys(key for fields in options.values() for key in fields):
        having = [name for name, fields in options.items() if key in fields]
        words[key] = "all" if having == list(FAMILIES) else ", ".join(having)
    return words


def recipe_page():
    """The text of docs/recipes.md."""
    tree = Recipe.model_json_schema()
    sections, leaves = {}, {}
    for key, about in tree["properties"].items():
        if "$ref" in about:
            sections[key] = tree["$defs"][about["$ref"].rpartition("/")[2]]
        elif key not in ("augment", "loss"):
            leaves[key] = about
    lines = [
        "# Recipes, key by key",
        "",
        f"Every number of a run is a key of its recipe. {WRITTEN_BY} from the schema that checks recipes.",
        "How files inherit from one another: [commands.md](commands.md#recipes). What a run has, and where each value",
        "comes from:",
        "",
        "    trizoo train --model yolov3-tiny --print-recipe",
        "",
        "`--set schedule.lr=0.02` sets a key on the command line, a YAML file the same as `schedule: {lr: 0.02}`.",
        "`none` is `null` in a file. The recipes that come with the zoo, one of them as a file to begin with, and what",
        "an editor needs to complete and check it:",
        "",
        "    trizoo recipes",
        "    trizoo recipes yolov3-tiny --out mine.yaml",
        "    trizoo recipes --schema --out recipe.schema.json",
        "",
        "The YAML language server (VS Code's YAML extension, Neovim, Emacs) takes [the schema](recipe.schema.json)",
        "from a first line of the recipe: `# yaml-language-server: $schema=recipe.schema.json`.",
        "",
        "## At the top",
        "",
        *_table(leaves, ""),
    ]
    for key, section in sections.items():
        whose = models_with() if key == "model" else None
        lines += ["", f"## {key}", "", _about(section), "", *_table(section["properties"], f"{key}.", whose)]
    lines += ["", "## loss", "", "Of a recipe's model: `loss.kind` is the name of its family."]
    for name, definition in _members(tree["properties"]["loss"], tree, "kind"):
        models = [model for model, known in ARCHITECTURES.items() if known in FAMILIES[name].models.values()]
        of = ", ".join(f"`{model}`" for model in models)
        lines += ["", f"### loss.kind: {name}", "", f"Of {of}.", "", *_table(definition["properties"], "loss.")]
    lines += ["", "## augment", "", "A list of operations, applied in order, each a mapping with `op`:"]
    lines += ["", "    augment:", "      - {op: random_placement, jitter: 0.2}", "      - {op: flip}"]
    for name, definition in _members(tree["properties"]["augment"]["items"], tree, "op"):
        rest = {key: about for key, about in definition["properties"].items() if key != "op"}
        lines += ["", f"### op: {name}", "", _about(definition), "", *_table(rest, "")]
    return "\n".join(lines) + "\n"


def _members(union, tree, key):
    """(value of the key that chooses, definition) of each section of a union."""
    for value, reference in union["discriminator"]["mapping"].items():
        yield value, tree["$defs"][reference.rpartition("/")[2]]


def _about(definition):
    return " ".join(definition["description"].split())


def flags_page():
    """The text of docs/flags.md."""
    lines = [
        "# Flags, command by command",
        "",
        f"{WRITTEN_BY} from the parsers of the commands, so it is what their `--help` says.",
        "By what you want to do: [commands.md](commands.md). `pytorch/train.py` and other scripts take the flags of",
        "their command but `--framework`.",
    ]
    for name, command in COMMANDS.items():
        flags = parser(name, prog=f"trizoo {name}")
        inner = next((act for act in flags._actions if isinstance(act, argparse._SubParsersAction)), None)
        lines += ["", f"## trizoo {name}", "", f"{command.about[0].upper()}{command.about[1:]}."]
        if inner is None:
            lines += ["", *_flags_of(flags), *_examples(flags)]
            continue
        for action, below in inner.choices.items():
            lines += ["", f"### trizoo {name} {action}", "", *_flags_of(below, below.description), *_examples(below)]
    return "\n".join(lines) + "\n"


def _flags_of(flags, about=None):
    """The lines of a parser: what it is for, and a table of what it takes."""
    rows = []
    for action in flags._actions:
        if action.help == argparse.SUPPRESS or action.dest in ("help", "version"):
            continue
        text = (action.help or "") % {**vars(action), "prog": flags.prog}
        rows.append(_row([_call(action), text]))
    return [*([about, ""] if about else []), "| | |", "| --- | --- |", *rows]


def _examples(flags):
    """The lines of the examples that a parser's help ends with."""
    return ["", *(f"    {flags.prog} {example}".rstrip() for example in flags.examples)]


def _call(action):
    """How a flag or an argument is typed."""
    value = argparse.HelpFormatter("")._format_args(action, action.metavar or _choices(action) or action.dest.upper())
    if not action.option_strings:
        return f"`{value}`"
    return f"`{', '.join(action.option_strings)}{' ' + value if action.nargs != 0 else ''}`"


def _choices(action):
    return "{" + ",".join(map(str, action.choices)) + "}" if action.choices else None


def pages():
    """{path: text} of what this command writes."""
    as_json = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    return {
        DOCS / "recipes.md": recipe_page(),
        DOCS / "recipe.schema.json": as_json,
        DOCS / "flags.md": flags_page(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)
