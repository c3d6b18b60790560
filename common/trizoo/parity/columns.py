"""The Files of `trizoo.parity.sidebyside` in columns: as text for a terminal, and as a page that needs nothing else."""

import html
import textwrap
from itertools import zip_longest

from trizoo.parity.alike import PACKAGES

LEAST_WIDTH = 60  # characters of a terminal, or a column would hold no word
BETWEEN = " | "
GENERATOR = '<meta name="generator" content="trizoo sidebyside">'  # by which the command knows its pages
MARKS = "  ", "* "  # before rows that are alike, that differ

STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem }
table { border-collapse: collapse; table-layout: fixed; width: 100%; margin-bottom: 2rem }
th { position: sticky; top: 0; background: Canvas; text-align: left; padding: .3rem .6rem; border-bottom: 1px solid }
th[colspan] { position: static; border: 0 }
td { vertical-align: top; padding: 0 .6rem 0 3.4em; border-left: 1px solid #8884; position: relative;
  font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
td i { position: absolute; left: 0; width: 2.6em; text-align: right; font-style: normal; opacity: .45;
  user-select: none }
td p { margin: 0; padding-left: calc(var(--indent) * 1ch + 4ch); text-indent: calc(var(--indent) * -1ch - 4ch) }
.differs td, .reason td, mark { background: #f5b80033; color: inherit }
.reason td { font: italic 13px/1.6 system-ui, sans-serif; padding-left: .6rem }
.gap td { height: .8em }
small { font-weight: normal; opacity: .7 }
""".strip()


def as_text(files, width, only_different=False):
    """Three columns of a terminal that is so many characters wide, a * before rows that differ; long lines are wrapped.

    Args:
        only_different: those rows alone, of files that all packages have, with the class and function that they are in
    """
    column = (max(width, LEAST_WIDTH) - len(MARKS[0]) - len(BETWEEN) * (len(PACKAGES) - 1)) // len(PACKAGES)
    lines = []
    for file in files:
        lines.append(f"== {file.name}: {summary(file)}")
        for number, (within, row) in enumerate(shown(file, only_different)):
            if number == 0:
                lines.append(MARKS[0] + BETWEEN.join(f"{package:<{column}}" for package in PACKAGES))
            if within:
                lines += ["", f"in {within}:"]
            elif blank_before(row) and not only_different:
                lines.append("")
            lines += [f"({row.reason})"] if row.reason else []
            cells = [[part for line in cell.lines for part in wrap(line, column)] if cell else [] for cell in row.cells]
            for parts in zip_longest(*cells, fillvalue=""):
                lines.append(MARKS[not row.alike] + BETWEEN.join(f"{part:<{column}}" for part in parts))
        lines.append("")
    return "\n".join(line.rstrip() for line in lines)


def as_html(model, files, only_different=False):
    """The same as one page, without scripts and without anything from elsewhere.

    Args:
        files: of `trizoo.parity.sidebyside`
        only_different: leave out the rows that are alike
    """
    parts = [
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n{GENERATOR}',
        f"<title>{html.escape(model)} side by side</title>",
        f'<meta name="viewport" content="width=device-width">\n<style>\n{STYLE}\n</style>',
        f"<h1>{html.escape(model)} in three frameworks</h1>",
        "<p>Rows say the same but for what a framework calls a thing, type hints and the order of axes; "
        "<mark>those that differ</mark> are marked.</p>\n<ul>",
        *[f'<li><a href="#{file.name}">{file.name}</a> <small>{summary(file)}</small></li>' for file in files],
        "</ul>",
    ]
    for file in files:
        parts.append(f'<h2 id="{file.name}">{file.name} <small>{summary(file)}</small></h2>\n<table>')
        for number, (within, row) in enumerate(shown(file, only_different)):
            if number == 0:
                names = [f"{package}/{file.name}" if package in file.packages else package for package in PACKAGES]
                parts.append(f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>")
            if within:
                parts.append(f'<tr><th colspan="{len(PACKAGES)}">{html.escape(within)}</th></tr>')
            elif blank_before(row) and not only_different:
                parts.append(f'<tr class="gap">{"<td></td>" * len(PACKAGES)}</tr>')
            if row.reason:
                parts.append(f'<tr class="reason"><td colspan="{len(PACKAGES)}">{html.escape(row.reason)}</td></tr>')
            cells = "".join(f"<td>{_as_html(cell)}</td>" for cell in row.cells)
            parts.append(f"<tr>{cells}</tr>" if row.alike else f'<tr class="differs">{cells}</tr>')
        parts.append("</table>")
    return "\n".join([*parts, "</html>", ""])


def summary(file):
    """How much of a file is alike, in words."""
    if len(file.packages) == 1:
        return f"{file.packages[0]} alone has it"
    among = "" if len(file.packages) == len(PACKAGES) else f" in {' and '.join(file.packages)}"
    return f"{file.alike} of {len(file.rows)} rows say the same{among}"


def shown(file, only_different):
    """(place, row) of each row to be shown; of the different ones only those of a file that all packages have.

    The place is its class and function, where they are others than those of the row before and only different ones are
    shown, else "".
    """
    within = ""
    for row in file.rows:
        if not only_different:
            yield "", row
        elif not row.alike and len(file.packages) == len(PACKAGES):
            yield ("" if row.within == within else row.within or "the module"), row
            within = row.within


def blank_before(row):
    """Whether an empty line stands before a row, in the first package that has it."""
    return next(cell for cell in row.cells if cell).blank > 0


def wrap(line, width):
    """A line of source in parts of at most so many characters, those after the first further in."""
    if len(line) <= width:
        return [line]
    indent = " " * min(indentation(line), width // 3)
    return textwrap.wrap(
        line.lstrip(), width, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False
    )


def indentation(line):
    """How many spaces a line begins with."""
    return len(line) - len(line.lstrip())


def _as_html(cell):
    """A cell's number and lines, each with how far in its further parts begin where it is wrapped."""
    if cell is None:
        return ""
    lines = [f'<p style="--indent:{indentation(line)}">{html.escape(line, quote=False)}</p>' for line in cell.lines]
    return f"<i>{cell.first}</i>{''.join(lines)}"
