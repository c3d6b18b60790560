"""Docstrings and pages: one argument a line, and names of modules that are there."""

import ast
import importlib
import inspect
import io
import re
import tokenize
from pathlib import Path

import pytest

import trizoo

PACKAGE = Path(trizoo.__file__).parent
ROOT = PACKAGE.parents[1]
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "tests" not in path.relative_to(PACKAGE).parts]
ZOOS = [path for folder in ("pytorch", "tf2", "keras") for path in sorted((ROOT / folder).glob("*_zoo/**/*.py"))]
OF_ZOOS = [path for path in ZOOS if "tests" not in path.parts]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
# what is explained, "name: …" or "name, other: …": at a line's beginning, behind a semicolon or another sentence
EXPLAINED = re.compile(r"(?:^|; |\. )(?P<names>[a-z_]\w*(?:, [a-z_]\w*)*): ")
REFERENCE = re.compile(r"(?<![\w./-])trizoo((?:\.[A-Za-z_]\w*)+)(?![\w/-])")
PATH = re.compile(r"(?<![\w./-])(?:common/trizoo|docs|benchmarks|[a-z0-9]+/(?:torch|tf2|keras)_zoo)/[\w./*-]*")
FILES = (".py", ".yaml", ".h5", ".txt", ".json", ".lock", ".md")


def documented(tree):
    """Every public class and function of a module with its dotted name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", inner) for name, inner in documented(node))


def parameters(node):
    """The names of a function's parameters, or of a class's fields and what makes it."""
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        return {part.arg for part in ast.walk(arguments) if isinstance(part, ast.arg)}
    fields = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and hasattr(part.target, "id")}
    makers = (part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    return fields.union(*map(parameters, makers))


def crowded(source):
    """Lines of a module's docstrings that explain an argument otherwise than on a line of its own below a heading."""
    found = []
    for name, node in documented(ast.parse(source)):
        known = parameters(node)
        for line in (ast.get_docstring(node) or "").splitlines():
            explained = [match for match in EXPLAINED.finditer(line.strip()) if known & {*match["names"].split(", ")}]
            if len(explained) > 1 or (explained and not (line.startswith(" ") and explained[0].start() == 0)):
                found.append(f"{name}: {line.strip()}")
    return found


def in_any(paths, problems):
    """The problems, what a function gives of a path, of those files that have some."""
    found = {str(path.relative_to(ROOT)): problems(path) for path in paths}
    return {path: some for path, some in found.items() if some}


def test_a_docstring_explains_one_argument_a_line():
    assert in_any([*MODULES, *OF_ZOOS], lambda path: crowded(path.read_text(encoding="utf-8"))) == {}


@pytest.mark.parametrize(
    ("docstring", "count"),
    [
        ("What it does.\n\n    Args:\n        a: one\n        b: (N, 4); c: d\n    ", 0),
        ("What it does.\n\n    Args:\n        a: one; b: two\n    ", 1),
        ("What it does.\n\n    a: one\n    b: two\n    ", 2),
        ("What it does; a: one.", 1),
        ("What it does. a: one; b: two.", 1),
        ("What it does -> {a: one}, whatever b is.", 0),
    ],
)
def test_arguments_in_a_running_line_are_seen(docstring, count):
    assert len(crowded(f'def function(a, b):\n    """{docstring}"""\n')) == count
    assert crowded(f'def _function(a, b):\n    """{docstring}"""\n') == []


def resolves(dotted):
    """Whether a dotted name is a module, or what a module has, down to a class's field."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("trizoo"):
                raise
            continue
        for name in parts[count:]:
            if name in getattr(thing, "__annotations__", ()) and not hasattr(thing, name):
                return True
            if not hasattr(thing, name):
                return False
            thing = inspect.getattr_static(thing, name) if inspect.isclass(thing) else getattr(thing, name)
        return True
    return False


def references(text):
    """The dotted names of this package in a text, files left out."""
    for match in REFERENCE.finditer(text):
        dotted = match[0].rstrip(".")
        if not dotted.endswith(FILES):
            yield dotted


def prose(path):
    """A file's text; of a test's, whose strings may name what isn't there, the docstrings and comments."""
    text = path.read_text(encoding="utf-8")
    if "tests" not in path.parts:
        return text
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


TEXTS = sorted({*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.yaml"), *PAGES})


def test_every_name_of_a_module_is_there():
    assert in_any(TEXTS, lambda path: [name for name in references(prose(path)) if not resolves(name)]) == {}


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="needs the repository")
def test_every_path_in_the_repository_is_there():
    paths = {path: {name.rstrip("/.") for name in PATH.findall(prose(path))} for path in TEXTS}
    assert in_any(TEXTS, lambda path: [name for name in paths[path] if not list(ROOT.glob(name))]) == {}


def test_a_name_that_is_gone_is_seen():
    text = "`trizoo.ground.boxes.nms`, trizoo.errors, trizoo.framework.Framework.loss; and trizoo.lock is a file"
    names = list(references(text))
    assert names == ["trizoo.ground.boxes.nms", "trizoo.errors", "trizoo.framework.Framework.loss"]
    assert [resolves(name) for name in names] == [True, False, True]


def broken_tables(text):
    """Rows of Markdown tables that belong to none: without a heading above, or of another number of cells."""
    rows, broken = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line)
        elif rows:
            cells = [len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) for row in rows]
            if len(rows) < 2 or not re.fullmatch(r"\|(?: ?:?-+:? ?\|)+", rows[1]):
                broken.append(rows[0])
            broken += [row for row, count in zip(rows, cells, strict=True) if count != cells[0]]
            rows = []
    return broken


def test_tables_are_whole():
    assert in_any(PAGES, lambda path: broken_tables(path.read_text(encoding="utf-8"))) == {}


def test_a_row_apart_from_its_table_is_seen():
    table = "| a | b |\n| --- | --- |\n| `x | y` | 2 |\n"
    assert broken_tables(table) == []
    assert broken_tables(f"{table}\n| c | d |\n") == ["| c | d |"]
    assert broken_tables(f"{table}| c |\n") == ["| c |"]
