"""docs/api.md, from the docstrings of what `import trizoo` gives: `python docs/make_api.py` writes it."""

import inspect
import re
from pathlib import Path

import trizoo

PAGE = Path(__file__).with_name("api.md")
HEAD = """# Python, name by name

Written by `python docs/make_api.py` from the docstrings of what `import trizoo` gives. By what you want to do:
[python.md](python.md).
"""
TITLE = re.compile(r"(?P<title>[A-Z][\w ]*):")  # such as "Args:", alone on its line
ITEM = re.compile(r"(?P<names>[\w, ]+): (?P<text>.*)")
GROUPS = {
    "Models": (
        *("load", "Predictor", "Detector", "Segmenter", "KeypointDetector", "Classifier"),
        *("MultilabelClassifier", "Embedder"),
        *("Detections", "Keypoints", "Classified", "Labelled"),
    ),
    "Recognition": ("load_recognizer", "Recognizer", "Recognized"),
    "Training": ("train", "Callback", "targets", "loss"),
    "What a program may add": ("register_augmentation", "register_family"),
    "Errors": ("UserError",),
}


def page():
    """The text of docs/api.md. Raises ValueError where GROUPS lacks a public name."""
    named = {name for names in GROUPS.values() for name in names}
    if missing := set(trizoo.__all__) - named - {"__version__"}:
        raise ValueError(f"{sorted(missing)} stand in no group of docs/make_api.py")
    lines = [HEAD]
    for group, names in GROUPS.items():
        lines += [f"## {group}", ""]
        for name in names:
            lines += _entry(f"trizoo.{name}", getattr(trizoo, name))
    return "\n".join(lines).rstrip() + "\n"


def _entry(name, thing):
    """The lines of a function or a class: how it is called, what it is, its methods."""
    lines = [f"### {name}", ""]
    if inspect.isfunction(thing):
        lines += [f"    {name}{_signature(thing)}", ""]
    lines += [*_markdown(inspect.getdoc(thing)), ""]
    for key, member in vars(thing).items() if inspect.isclass(thing) else ():
        if key.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        call = f".{key}" if isinstance(member, property) else f".{key}{_signature(member)}"
        lines += [f"**`{call}`**", "", *_markdown(inspect.getdoc(member)), ""]
    return lines


def _signature(function):
    """Names and defaults of the arguments, without `self` and types: "(weights, framework=None, *, device='auto')"."""
    shown = inspect.signature(function)
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in shown.parameters.items()
        if name != "self"
    ]
    return str(shown.replace(parameters=kept, return_annotation=inspect.Signature.empty)).replace(
        "<built-in function print>", "print"
    )


def _markdown(text):
    """A docstring's lines as Markdown: its arguments, results and errors become lists."""
    lines = []
    for line in text.splitlines():
        bare = line.strip()
        if found := TITLE.fullmatch(line):
            lines += [f"{found['title']}:", ""]
        elif not line.startswith("    "):
            lines.append(line)
        elif not line.startswith("     ") and (found := ITEM.fullmatch(bare)):
            lines.append(f"- `{found['names']}`: {found['text']}")
        elif line.startswith("     "):
            lines.append(f"  {bare}")
        else:
            lines.append(f"- {bare}")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.name)
