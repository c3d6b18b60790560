"""The command lines of the pages, as a reader types them, and how a test shortens each: what trains for an hour trains
for one epoch of a few small images, and where it goes on for one more.
"""

import re
import shlex
from dataclasses import dataclass

from trizoo.tests.pages import ROOT
from trizoo.training.find_lr import LEAST_STEPS
from trizoo.training.run import RunFolder

PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
PROGRAMS = "trizoo|python|python3|pip|curl|docker|find|git|!git|ffmpeg|taskset|torchrun|npm|tensorboard"
FIRST = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{PROGRAMS}|(?:train|evaluate|predict|export)\.py) ")
SCRIPT = re.compile(r"(?:(pytorch|tf2|keras)/)?(train|evaluate|predict|export)\.py")
MASKS = ("--mask-map", "--palette", "--boundary", "segmentation", "deeplabv3plus", "membrane")
# by the model's beginning; None: it has one size
SIZES = {
    **{"keypoints": "320x64", "ssd": None, "retinanet": "160x128"},
    **{"classify": "48x48", "multilabel": "48x48", "embed": "48x48"},
}
SIZE = "96x96"
SECONDS = {"doctor": 13, "train": 2, "export": 3, "predict": 1, "evaluate": 1, "serve": 2}  # of the CPU, about
BESIDES = {"tf2": 6, "keras": 8}  # what a training takes there, whose steps are compiled first


@dataclass(frozen=True)
class Line:
    """A command line of a page.

    Args:
        text: as it stands there, without its comment
        section: the heading of level 2 that it stands below
        part: that of any level
    """

    text: str
    section: str
    part: str

    @property
    def words(self):
        """The words, as a shell has them."""
        return shlex.split(self.text)

    @property
    def zoo(self):
        """(framework or None, command, arguments) of one of the zoo's commands, None for others and for pipes."""
        words = self.words
        if "|" in words or "&&" in words:
            return None
        if words[0] == "trizoo":
            return None, words[1], words[2:]
        script = words[1:] if words[0] == "python" else words
        found = SCRIPT.fullmatch(script[0])
        return found and (found[1], found[2], script[1:])

    @property
    def seconds(self):
        """What it takes, about."""
        framework, command, _ = self.zoo or (None, self.words[1], ())
        return SECONDS.get(command, 0.2) + (BESIDES.get(framework, 0) if command == "train" else 0)

    @property
    def kind(self):
        """Which of the reader's data it speaks of: boxes, or masks."""
        return "masks" if self.section == "## Masks" or any(word in self.text for word in MASKS) else "boxes"


def lines_of(page):
    """The command lines of a page's code blocks, in order: a list of Lines."""
    found, section, part = [], "", ""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        section = line if line.startswith("## ") else section
        part = line if line.startswith("#") else part
        if line.startswith("    ") and not line.startswith("     ") and FIRST.match(line[4:] + " "):
            found.append(Line(re.split(r"\s+# ", line[4:])[0].strip(), section, part))
    return found


def lines_of_tables(page):
    """The whole command lines of a page's tables, each once: a list of Lines. Those with … or flags alone are none."""
    found, section, known = [], "", {line.text for line in lines_of(page)}
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        section = line if line.startswith("## ") else section
        for text in re.findall(r"`([^`]+)`", line) if line.startswith("|") else ():
            if FIRST.match(text) and "…" not in text and "MODEL" not in text and text not in known:
                known.add(text)
                found.append(Line(text, section, section))
    return found


def shortened(command, arguments):
    """Arguments with which the same command takes seconds: flags that stand twice count the second time.

    Args:
        command: such as "train"
        arguments: as they stand in the page
    """
    if command == "synth" and "keypoints" in arguments:
        return [*arguments, "--images", "20", "--size", "320x64"]
    if command == "synth" and "embedding" in arguments:
        return [*arguments, "--images", "160", "--size", "48"]
    if command == "synth":
        return [*arguments, "--images", "40" if "classification" in arguments else "8", "--size", "96"]
    if command != "train" or "--print-recipe" in arguments:
        return arguments
    return [*arguments, *_length(arguments), *_size(arguments), *_loading(arguments), *_few(arguments)]


def _few(arguments):
    """A limit of the training split: two batches, and of classifiers, whose images are crops, some more."""
    if "--resume" in arguments or "--overfit" in arguments or any(word.startswith("embed-") for word in arguments):
        return []
    return ["--limit", "24" if any(word.startswith("classify-") for word in arguments) else "8"]


def _length(arguments):
    if "--resume" in arguments:
        return _rest(arguments)
    if "--find-lr" in arguments:
        return ["--find-lr", str(LEAST_STEPS)]
    if "--iterations" in arguments:
        return ["--iterations", "2"]
    return ["--epochs", "1"]


def _rest(arguments):
    """An epoch or a step more than the run had, where the command says how many there are in all."""
    last = RunFolder(_after(arguments, "--resume")).read_log()[-1]
    found = [(flag, last[key]) for flag, key in (("--epochs", "epoch"), ("--iterations", "step")) if flag in arguments]
    return [word for flag, done in found for word in (flag, str(min(int(_after(arguments, flag)), done + 1)))]


def _after(arguments, flag):
    return arguments[arguments.index(flag) + 1]


def _size(arguments):
    """A small input size, where the model has several and the command doesn't bring anchors for one."""
    if "--resume" in arguments or "mine.yaml" in arguments:
        return []
    model = next((word for word in arguments if re.match(r"[a-z]+[0-9a-z]*-|yolov", word)), "")
    size = next((size for name, size in SIZES.items() if model.startswith(name)), SIZE)
    return ["--input-size", size] if size else []


def _loading(arguments):
    if "--resume" in arguments:
        return ["--workers", "0"]
    flags = [] if "--batch-size" in arguments else ["--batch-size", "4"]
    return flags if "--workers" in arguments else [*flags, "--workers", "0"]


def draws(line):
    """Whether a line is a training without data, which draws some."""
    return bool(line.zoo) and line.zoo[1] == "train" and not {"--data", "--resume"} & set(line.words)
