"""Whether the three zoo packages are one text: their modules, in neutral words, are compared line by line.

What may differ all the same stands in differences.yaml, to the letter and with its reason.
"""

import difflib
import re
from dataclasses import dataclass
from importlib.resources import files

import yaml

from trizoo.parity.neutral import normalise, outline

PACKAGES = ("torch_zoo", "tf2_zoo", "keras_zoo")
# modules whose whole text is compared, and those of which the outline is, since their code is each framework's own
TEXTS = re.compile(r"(attention|necks|segmentation|losses/__init__|(backbones|models)/\w+)\.py")
OUTLINES = re.compile(r"(blocks|losses/(?!__init__)\w+)\.py")


@dataclass(frozen=True)
class Difference:
    """Lines of a module in which the packages differ on purpose.

    Args:
        file: the module, as "models/yolov3.py"
        reason: why, in words
        sides: package -> lines, without indentation
    """

    file: str
    reason: str
    sides: dict[str, tuple[str, ...]]


def differences():
    """The Differences of differences.yaml."""
    return [
        Difference(entry["file"], entry["reason"], {package: _stripped(entry[package]) for package in PACKAGES})
        for entry in yaml.safe_load(files("trizoo.parity").joinpath("differences.yaml").read_text(encoding="utf-8"))
    ]


def unlike(file, texts, known):
    """What keeps a module from being one text in the packages, as lines for a person: none where nothing does.

    It is also said where the lines of one aren't there, exactly and once: with the difference its entry has to go.

    Args:
        file: "models/yolov3.py"
        texts: {package: source}
        known: Differences, of any file
    """
    found, sides = [], {}
    read = normalise if TEXTS.fullmatch(file) else outline
    for package, text in texts.items():
        lines = [line.text for line in read(text, package) if line.text]
        for difference in known:
            if difference.file != file:
                continue
            run = difference.sides[package]
            places = find(run, lines)
            if len(places) == 1:
                lines[places[0] : places[0] + len(run)] = [f"({difference.reason})"]
            else:
                found.append(
                    f"{package}/{file} has these lines of differences.yaml {len(places)} times, not once; if they "
                    f"differ no more ({difference.reason}), their entry has to go: {' / '.join(run)}"
                )
        sides[package] = lines
    ours, *others = sides
    for other in others:
        names = f"{ours}/{file}", f"{other}/{file}"
        found += difflib.unified_diff(sides[ours], sides[other], *names, lineterm="", n=1)
    return found


def find(run, lines):
    """The places where a run of lines begins among others, whose indentation doesn't count."""
    stripped = [line.strip() for line in lines]
    return [place for place in range(len(lines)) if run and tuple(stripped[place : place + len(run)]) == run]


def _stripped(text):
    return tuple(line.strip() for line in text.splitlines())
