"""What a check of a data set has found, as text for a terminal and as JSON."""

import json
import os
import unicodedata
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from trizoo.ground.text import FIRST_FEW, printable

_COLUMNS = 100
_MOST_ROWS = 40  # classes, and sizes or values, that the text shows; the JSON has all
_MOST_SIZES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of error or warning.

    Args:
        severity: "error" or "warning"
        examples: the first few of `count`, with files
    """

    severity: str
    kind: str
    count: int
    examples: tuple[str, ...]


class Judged:
    """What reports have in common: findings by severity, JSON."""

    @property
    def errors(self):
        """The findings that keep the data set from being used."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self):
        """The findings that training puts right, leaves out or can live with."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    def to_json(self):
        """The report as JSON text: the fields of this class, and "ok", whether there are no errors."""
        return as_json(self)


@dataclass(frozen=True)
class Report(Judged):
    """What `trizoo.data.check.boxes.check_boxes` has found. `str(report)` is text of at most 100 columns.

    Args:
        splits: name -> {"images", "objects", "without_objects"}; objects are those that training gets
        classes: name -> {"objects", "images"}, most frequent first
        image_sizes: "WIDTHxHEIGHT" -> images, most frequent first
        box_sizes: {"smallest", "median", "largest"}: square roots of areas in pixels, and {"small", "medium", "large"}:
            numbers of boxes by COCO's limits of 32 and 96 pixels; empty where there are no boxes
        mask_values: value -> {"pixels", "masks"}
        crowded: of key points: side of a cell in pixels -> how many lie in one with another that came before, so that
            these can't be found in images as they are; else empty
    """

    root: Path
    splits: dict[str, dict[str, int]]
    classes: dict[str, dict[str, int]]
    image_sizes: dict[str, int]
    box_sizes: dict[str, float]
    mask_values: dict[int, dict[str, int]]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    crowded: dict[int, int] = field(default_factory=dict)

    def __str__(self):
        lines = [f"Data set {self.root}", *(f"  note: {note}" for note in self.notes)]
        lines += ["", "    images   objects   without objects   split"]
        for name, row in self.splits.items():
            lines.append(f"{row['images']:10,}{row['objects']:10,}{row['without_objects']:18,}   {name}")
        lines += ["", "   objects    images   class"]
        lines += _table([f"{row['objects']:10,}{row['images']:10,}   {name}" for name, row in self.classes.items()])
        lines += ["", "    images   size"]
        lines += _table([f"{count:10,}   {size}" for size, count in self.image_sizes.items()], _MOST_SIZES)
        if self.box_sizes:
            sizes = self.box_sizes
            lines += ["", "Boxes, by the square root of their area in pixels"]
            lines.append(
                f"  smallest {sizes['smallest']:.1f}, median {sizes['median']:.1f}, largest {sizes['largest']:.1f}; "
                f"{sizes['small']:,} below 32, {sizes['medium']:,} from 32 to 96, {sizes['large']:,} above"
            )
        if self.crowded:
            shared = ", ".join(f"{count:,} of {side}x{side}" for side, count in self.crowded.items())
            lines += ["", "Key points beyond one a cell, where images are as they are", f"  {shared} pixels"]
        if self.mask_values:
            lines += ["", "     masks          pixels   mask value"]
            rows = [f"{row['masks']:10,}{row['pixels']:16,}   {value}" for value, row in self.mask_values.items()]
            lines += _table(rows)
        return as_text(lines, self.findings)


@dataclass(frozen=True)
class MaskReport(Judged):
    """What `trizoo.data.check.masks.check_masks` has found. `str(report)` is text of at most 100 columns.

    Args:
        layout: its name in `trizoo.data.masks.find.FINDERS`
        splits: name -> {"images", "one_value"}; one_value: those whose mask holds one value only
        classes: name -> {"pixels", "masks"}, in the order of their ids; empty where the masks don't say how many there
            are
        values: value in the mask files, before any mask map -> {"pixels", "masks", "class"}; class: the name,
            "ignored", or None for a value that is no class
        image_sizes: "WIDTHxHEIGHT" -> images, most frequent first
    """

    root: Path
    layout: str
    splits: dict[str, dict[str, int]]
    classes: dict[str, dict[str, int]]
    values: dict[int, dict]
    image_sizes: dict[str, int]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def __str__(self):
        lines = [f"Data set {self.root}, masks ({self.layout})", *(f"  note: {note}" for note in self.notes)]
        lines += ["", "    images   masks of one value   split"]
        lines += [f"{row['images']:10,}{row['one_value']:21,}   {name}" for name, row in self.splits.items()]
        total = sum(row["pixels"] for row in self.values.values()) or 1
        lines += ["", "     masks          pixels    share   value   class"]
        lines += _table(
            [
                f"{row['masks']:10,}{row['pixels']:16,}{row['pixels'] / total:9.2%}{value:8}   "
                f"{'no class' if row['class'] is None else row['class']}"
                for value, row in self.values.items()
            ]
        )
        lines += ["", "    images   size"]
        lines += _table([f"{count:10,}   {size}" for size, count in self.image_sizes.items()], _MOST_SIZES)
        return as_text(lines, self.findings)


@dataclass(frozen=True)
class ClassReport(Judged):
    """What `trizoo.data.check.classes.check_classes` has found. `str(report)` is text of at most 100 columns.

    Args:
        layout: its name in `trizoo.data.classes.find.FINDERS`
        splits: name -> images
        classes: name -> {split: images}, in the order of their ids
        image_sizes: "WIDTHxHEIGHT" -> images, most frequent first
    """

    root: Path
    layout: str
    splits: dict[str, int]
    classes: dict[str, dict[str, int]]
    image_sizes: dict[str, int]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def __str__(self):
        lines = [f"Data set {self.root}, classes ({self.layout})", *(f"  note: {note}" for note in self.notes)]
        lines += ["", "  images of each class, by split", "".join(f"{name:>10}" for name in self.splits) + "   class"]
        rows = [("", self.splits), *self.classes.items()]
        lines += _table(["".join(f"{of[split]:10,}" for split in self.splits) + f"   {name}" for name, of in rows])
        lines += ["", "    images   size"]
        lines += _table([f"{count:10,}   {size}" for size, count in self.image_sizes.items()], _MOST_SIZES)
        return as_text(lines, self.findings)


class Findings:
    """Gathers findings by kind, in order of appearance.

    Args:
        warnings: the kinds of the check's own that are no errors
    """

    def __init__(self, root, warnings):
        self.root = root
        self._warnings = warnings
        self._texts = defaultdict(list)

    def add(self, kind, file, text):
        """A sentence about a file, or about the whole data set where the file is its root."""
        self._texts["warning" if kind in self._warnings else "error", kind].append(self._of(file, text))

    def add_problem(self, problem):
        """A reader's `trizoo.data.reading.Problem`, a warning of whatever kind: the data can be used without."""
        self._texts["warning", problem.kind].append(self._of(problem.file, problem.text))

    def add_error(self, kind, error):
        """A UserError, whose text already names the file."""
        self._texts["error", kind].append(str(error).replace(f"{self.root}{os.sep}", ""))

    def all(self):
        """A `Finding` of each kind, errors first."""
        found = [
            Finding(severity, kind, len(texts), tuple(texts[:FIRST_FEW]))
            for (severity, kind), texts in self._texts.items()
        ]
        return tuple(sorted(found, key=lambda finding: finding.severity))

    def _of(self, file, text):
        name = file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file)
        text = text.replace(f"{self.root}{os.sep}", "")
        return text if name == "." else f"{name}: {text}"


def as_text(lines, findings):
    """A report's lines, then its findings, as text of at most 100 columns."""
    lines = [*lines]
    for title, severity in (("Errors", "error"), ("Warnings", "warning")):
        chosen = [finding for finding in findings if finding.severity == severity]
        lines += ["", f"{title}: {sum(finding.count for finding in chosen) or 'none'}"]
        for finding in chosen:
            lines.append(f"  {finding.kind}: {finding.count:,}")
            lines += [f"    {example}" for example in finding.examples]
            if finding.count > len(finding.examples):
                lines.append(f"    and {finding.count - len(finding.examples):,} more")
    return "\n".join(part for line in lines for part in _wrapped(line))


def as_json(report):
    """A report as JSON text."""
    content = {"ok": not report.errors, **asdict(report), "root": str(report.root)}
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode()  # of file names that aren't Unicode


def _table(rows, most=_MOST_ROWS):
    return rows if len(rows) <= most else [*rows[:most], f"           and {len(rows) - most:,} more"]


def _wrapped(line):
    """A line broken at 100 columns, at a space if possible; what a terminal would obey instead of show is replaced."""
    line, parts = printable(line), []
    while (end := _fitting(line)) < len(line):
        space = line.rfind(" ", end // 2, end + 1)
        end = end if space < 0 else space
        parts.append(line[:end])
        line = " " * 6 + line[end:].lstrip()
    return [*parts, line]


def _fitting(line):
    """How many characters fit on a terminal's line; wide ones, such as Chinese, take two columns."""
    columns = 0
    for count, character in enumerate(line):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _COLUMNS:
            return count
    return len(line)
