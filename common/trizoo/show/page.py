"""One HTML page of tables, and of pictures and plots beside it or in it. Every name in it is escaped."""

from dataclasses import dataclass, field
from html import escape

from trizoo.ground.text import printable
from trizoo.pictures.palette import shown_colour

STYLE = """
:root { color-scheme: light }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1400px; padding: 0.8rem 1rem 3rem; background: #fff; color: #1b1f24;
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0.4rem 0 } h2 { font-size: 1.15rem; margin: 2rem 0 0.4rem }
p { margin: 0.3rem 0 } .quiet { color: #59636e; font-size: 0.87rem }
.grid { display: grid; gap: 0.7rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)) }
.wide { grid-template-columns: 1fr } .plots { grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)) }
figure { margin: 0 } img { display: block; width: 100%; height: auto; border-radius: 3px }
figcaption { font-size: 0.82rem; color: #59636e; padding: 0.15rem 0 0.4rem }
.scroll { overflow: auto; max-height: 32rem } table { border-collapse: collapse }
th, td { padding: 0.15rem 0.9rem 0.15rem 0; text-align: left; border-bottom: 1px solid #e3e7eb; font-weight: normal }
th { color: #59636e; font-size: 0.87rem } td.number, th.number { text-align: right; white-space: nowrap }
.swatch { display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.5em; border: 1px solid #888;
  vertical-align: -0.1em }
"""
STRIPES = "repeating-linear-gradient(135deg, #ebebeb 0 2px, #3c3c3c 2px 4px)"


@dataclass(frozen=True)
class Figure:
    """A picture in a file beside the page, or in the page itself.

    Args:
        file: its name, of letters, digits, dots and dashes; or its bytes as a "data:" address
        caption: lines of text
        size: (width, height) in pixels
    """

    file: str
    caption: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True)
class Table:
    """Rows of text, or of numbers, which stand at the right; None is one that isn't defined.

    Args:
        head: a cell a column
        swatches: of each row a colour (r, g, b), "stripes" or None, before its first cell; () for no row
    """

    head: tuple[str, ...]
    rows: list[tuple]
    swatches: tuple = ()


@dataclass(frozen=True)
class Section:
    """What stands below one heading.

    Args:
        lines: of text
        more: of text in small print
        links: (file, text) each
        layout: of the figures: "" for many beside one another, "wide" for one a row, "plots"
    """

    title: str
    lines: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    links: tuple[tuple[str, str], ...] = ()
    layout: str = ""


def mark(command):
    """What a page has near its beginning that a command made, such as "trizoo data show"."""
    return f'<meta name="generator" content="{command}">'


def html(title, sections, command):
    """The page as text.

    Args:
        command: that makes it, for `mark`
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        mark(command),
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
    ]
    for section in sections:
        parts += [f"<h2>{_text(section.title)}</h2>"] if section.title else []
        parts += [f"<p>{_text(line)}</p>" for line in section.lines]
        parts += [f'<p class="quiet">{_text(line)}</p>' for line in section.more]
        parts += [f'<p><a href="{_text(file)}">{_text(text)}</a></p>' for file, text in section.links]
        parts += map(_table, section.tables)
        if section.figures:
            parts += [f'<div class="{f"grid {section.layout}".strip()}">', *map(_figure, section.figures), "</div>"]
    return "\n".join([*parts, "</body></html>", ""])


def _figure(figure):
    width, height = figure.size
    file, caption = _text(figure.file), "<br>".join(map(_text, figure.caption))
    picture = f'<img src="{file}" alt="{_text(figure.caption[0])}" width="{width}" height="{height}" loading="lazy">'
    if not figure.file.startswith("data:"):  # browsers don't open those
        picture = f'<a href="{file}">{picture}</a>'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _table(table):
    numeric = [not isinstance(cell, str) for cell in table.rows[0]] if table.rows else [False] * len(table.head)

    def row(tag, cells, swatch=None):
        texts = [_text(_shown(cell)) for cell in cells]
        texts[0] = _swatch(swatch) + texts[0]
        kinds = [' class="number"' if number else "" for number in numeric]
        return f"<tr>{''.join(f'<{tag}{kind}>{text}</{tag}>' for kind, text in zip(kinds, texts, strict=True))}</tr>"

    swatches = table.swatches or [None] * len(table.rows)
    rows = [row("td", cells, swatch) for cells, swatch in zip(table.rows, swatches, strict=True)]
    return f'<div class="scroll"><table>{row("th", table.head)}{"".join(rows)}</table></div>'


def _shown(cell):
    """A cell as text."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return "\N{EN DASH}"
    return f"{cell:.3f}" if isinstance(cell, float) else f"{cell:,}"


def _swatch(colour):
    if colour is None:
        return ""
    ground = STRIPES if colour == "stripes" else shown_colour(colour)
    return f'<span class="swatch" style="background: {ground}"></span>'


def _text(value):
    """Escaped, what no encoding can write, such as half a character of a file name, as its number."""
    plain = str(value).encode("utf-8", "backslashreplace").decode()
    return escape(printable(plain))
