"""A module of a zoo package with its framework's words made neutral: lines that can be compared across packages.

Source text and syntax trees are read and nothing is imported, so no framework needs to be there. A neutral line is no
program: two that are equal say the same in two frameworks.
"""

import ast
import copy
import io
import re
import tokenize
from dataclasses import dataclass, replace
from itertools import groupby

FRAMEWORKS = {"torch", "tensorflow", "keras"}  # importing them counts as nothing
ADAPTERS = ("PyTorch", "TF2", "Keras")  # the classes that satisfy `trizoo.framework.Framework`
CALLS = ("forward", "__call__", "call")

# what the frameworks call a thing -> what it is called here
NEUTRAL = {
    **dict.fromkeys(("nn.Module", "tf.Module", "Module", "keras.layers.Layer", "keras.Model", "Network"), "Layer"),
    **dict.fromkeys(("nn.Conv2d", "Conv2d", "make_conv"), "convolution"),
    **dict.fromkeys(("torch.cat", "tf.concat", "ops.concatenate"), "concatenate"),
    **dict.fromkeys(("F.relu", "tf.nn.relu", "ops.relu"), "relu"),
    **dict.fromkeys(("tf.sigmoid", "ops.sigmoid"), "sigmoid"),
}
KEYWORDS = {"dim": "axis", "keepdim": "keepdims", "use_bias": "bias"}

_SIDE = r"((?:[^(),]|\([^()]*\))+)"
_IMAGES = re.compile(rf"\(B, {_SIDE}, {_SIDE}, {_SIDE}\)")


@dataclass(frozen=True)
class Line:
    """A statement or its head, a run of comments, or a paragraph of a docstring.

    Args:
        text: "" for what counts as nothing
        first, last: the lines of the file that it stands in, from 1
    """

    text: str
    first: int
    last: int


def normalise(text, package):
    """The Lines of a module of this package, in order, with each framework's words neutral and without type hints."""
    source = _Source(text, package)
    return sorted([*source.lines(source.tree.body), *source.remarks()], key=lambda line: line.first)


def outline(text, package, *, details=True):
    """The Lines of a module's public names, in order: constants, functions with arguments, classes with methods.

    Args:
        details: also docstrings, values of constants, base classes, and the attributes that __init__ assigns
    """
    source = _Source(text, package)
    return list(source.outline(source.tree.body, 0, details))


def channels_last(text):
    """PyTorch's shapes of features as the others write them: "(B, in, H, W)" becomes "(B, H, W, in)"."""

    def moved(match):
        channels, height, width = match.groups()
        is_image = (height[0] in "Hh" and width[0] in "Ww") or (height == width and height in ("1", "bins"))
        return f"(B, {height}, {width}, {channels})" if is_image else match[0]

    return re.sub(rf"\(B, {_SIDE}, \*size\)", r"(B, *size, \1)", _IMAGES.sub(moved, text))


class _Source:
    """A module: its syntax tree with neutral words, and where its logical lines and its comments stand."""

    def __init__(self, text, package):
        self.package = package
        self.physical = text.splitlines()
        self.spans, self.inner, self.outer = _scan(text)
        words = _Neutral()
        self.tree = words.visit(ast.parse(text))
        self.nothing = words.nothing | _forget_imports(self.tree)

    def lines(self, body, depth=0):
        """The Lines of statements, without the comments between them."""
        for node in body:
            if _is_string(node):
                yield from self.paragraphs(node, depth)
                continue
            for decorator in getattr(node, "decorator_list", ()):
                yield self.line(decorator.lineno, depth, f"@{ast.unparse(decorator)}")
            yield self.line(node.lineno, depth, ("el" if self.is_elif(node) else "") + _head(node))
            for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                inner, deeper = getattr(node, field, None) or [], depth + 1
                if field == "handlers" or (field == "orelse" and inner and self.is_elif(inner[0])):
                    deeper = depth
                elif field in ("orelse", "finalbody") and inner:
                    before = max(first for first in self.spans if first < inner[0].lineno)
                    yield self.line(before, depth, "else:" if field == "orelse" else "finally:")
                yield from self.lines(inner, deeper)

    def outline(self, body, depth, details):
        """The Lines of the public names in a module's or a class's body."""
        for node in body:
            if isinstance(node, ast.ClassDef) and not _is_hidden(node.name):
                yield self.line(node.lineno, depth, _head(node) if details else f"class {node.name}:")
                yield from self.outline(node.body, depth + 1, details)
            elif isinstance(node, ast.FunctionDef) and not _is_hidden(node.name):
                yield self.line(node.lineno, depth, _head(node))
                if details:
                    yield from self.outline(node.body[:1] if _is_string(node.body[0]) else [], depth + 1, details)
                    yield from self.attributes(node, depth + 1) if node.name == "__init__" else ()
            elif isinstance(node, ast.Assign):
                names = [name for target in node.targets for name in getattr(target, "elts", [target])]
                names = [name.id for name in names if isinstance(name, ast.Name) and not _is_hidden(name.id)]
                if names and (names[0].isupper() or (details and depth)):
                    line = self.line(node.lineno, depth, f"{', '.join(names)} = {_value(node.value)}")
                    yield line if details else replace(line, text="    " * depth + ", ".join(names))
            elif details and _is_string(node):
                yield from self.paragraphs(node, depth)

    def attributes(self, maker, depth):
        """A Line for each attribute that a method gives its object, in order."""
        statements = [node for node in ast.walk(maker) if isinstance(node, ast.Assign | ast.Expr)]
        for node in sorted(statements, key=lambda node: node.lineno):
            names = [_dotted(target) for target in getattr(node, "targets", ())]
            if isinstance(node.value, ast.Call) and _dotted(node.value.func) == "self.register_buffer":
                names = [f"self.{node.value.args[0].value}"]
            for name in names:
                if name.startswith("self."):
                    yield Line("    " * depth + name, node.lineno, node.end_lineno)

    def line(self, number, depth, text):
        """The Line of the statement, or head of one, that begins in this line of the file, with its comments."""
        last = self.spans[number]
        if number in self.nothing:
            return Line("", number, last)
        remarks = [f"  # {self.words(remark)}" for at, remark in self.inner.items() if number <= at <= last]
        return Line("    " * depth + text + "".join(remarks), number, last)

    def paragraphs(self, node, depth):
        """The Lines of a docstring, one a paragraph, since longer words move a paragraph's line ends."""
        numbers = range(node.lineno, node.end_lineno + 1)
        for is_blank, group in groupby(numbers, key=lambda number: not self.physical[number - 1].strip()):
            if not is_blank:
                first, *others = group
                last = others[-1] if others else first
                text = self.words(" ".join(self.physical[first - 1 : last])).removesuffix('"""').rstrip()
                yield Line("    " * depth + text, first, last)

    def remarks(self):
        """The Lines of comments between statements, one for those that follow one another."""
        order = enumerate(sorted(self.outer))
        for (_, column), group in groupby(order, key=lambda pair: (pair[1] - pair[0], self.outer[pair[1]][0])):
            numbers = [number for _, number in group]
            text = self.words(" ".join(self.outer[number][1] for number in numbers))
            yield Line(" " * column + "# " + text, numbers[0], numbers[-1])

    def words(self, text):
        """A docstring's or a comment's words: neutral, and with one space between them."""
        text = re.sub(r"\b(torch|tf2|keras)_zoo\b", "zoo", text)
        return " ".join((channels_last(text) if self.package == "torch_zoo" else text).split())

    def is_elif(self, node):
        """Whether an `if` is written as `elif`."""
        return self.physical[node.lineno - 1].lstrip().startswith("elif ")


class _Neutral(ast.NodeTransformer):
    """Neutral words for each framework's, and no type hints. nothing: first lines of statements that are left out."""

    def __init__(self):
        self.nothing = set()

    def visit_ClassDef(self, node):
        node.name = "Adapter" if node.name in ADAPTERS else node.name
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        node.name = "call" if node.name in CALLS else node.name
        node.returns = None
        self._take_spec(node.body)
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        if node.value is None:
            self.nothing.add(node.lineno)
            return node
        return self.generic_visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Name(self, node):
        node.id = NEUTRAL.get(node.id, node.id)
        return node

    def visit_Attribute(self, node):
        if (name := _dotted(node)) in NEUTRAL:
            return ast.Name(NEUTRAL[name])
        node.attr = "call" if node.attr in CALLS else node.attr
        return self.generic_visit(node)

    def visit_keyword(self, node):
        node.arg = KEYWORDS.get(node.arg, node.arg)
        return self.generic_visit(node)

    def visit_Call(self, node):
        name = _dotted(node.func)
        if name == "nn.ModuleList":
            return self.visit(node.args[0])
        if name == "nn.Conv2d" and len(node.args) in (3, 4):
            _name_other_padding(node)
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "sigmoid" and not node.args:
            return self.generic_visit(ast.Call(ast.Name("sigmoid"), [node.func.value], []))
        return self.generic_visit(node)

    def _take_spec(self, body):
        """A network's spec counts as nothing, whether its base keeps it, it does so itself, or nobody does."""
        for statement, after in zip(body, [*body[1:], None], strict=True):
            if ast.unparse(statement) == "super().__init__(spec)":
                statement.value.args = []
            if ast.unparse(statement) == "super().__init__()" and after and ast.unparse(after) == "self.spec = spec":
                self.nothing.add(after.lineno)


def _name_other_padding(call):
    """nn.Conv2d pads with nothing unless told to, the other two with half the kernel: says nothing where it is that."""
    given = {keyword.arg: keyword for keyword in call.keywords}
    padding = given.get("padding", ast.keyword("padding", ast.Constant(0)))
    call.keywords = [keyword for keyword in call.keywords if keyword.arg != "padding"]
    if ast.dump(padding.value) != ast.dump(_half(call.args[2])):
        call.keywords.append(padding)


def _half(node):
    """Half of a number rounded down, of each in a tuple, or the expression for it."""
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_half(side) for side in node.elts], ast.Load())
    if isinstance(node, ast.Constant):
        return ast.Constant(node.value // 2)
    return ast.BinOp(node, ast.FloorDiv(), ast.Constant(2))


def _forget_imports(tree):
    """Leaves imports only of what the rest of a module still names; the first lines of those of which nothing is left.

    So neither a framework nor what only type hints need counts.
    """
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    nothing = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or node.names[0].name
            own = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) in used]
            if own and module.split(".")[0] not in FRAMEWORKS:
                node.names = own
            else:
                nothing.add(node.lineno)
            if isinstance(node, ast.ImportFrom):
                node.module = re.sub(r"^(torch|tf2|keras)_zoo\b", "zoo", module)
    return nothing


def _scan(text):
    """{first line of a logical line: its last}, {line: comment in a logical line}, {line: (column, comment) outside}.

    What tools want to hear, noqa and type: ignore, is no comment.
    """
    spans, inner, outer, start = {}, {}, {}, None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (line, column), kind = token.start, token.type
        if kind == tokenize.COMMENT:
            remark = re.sub(r"# (noqa|type: ignore).*", "", token.string).removeprefix("#").strip()
            if remark and start:
                inner[line] = remark
            elif remark:
                outer[line] = column, remark
        elif kind == tokenize.NEWLINE:
            spans[start], start = line, None
        elif kind not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            start = start or line
    return spans, inner, outer


def _head(node):
    """A statement on one line; of one that has a body, what comes before that."""
    node = copy.copy(node)
    for field in ("body", "handlers", "cases", "orelse", "finalbody", "decorator_list"):
        if isinstance(getattr(node, field, None), list):
            setattr(node, field, [ast.Pass()] if field == "body" else [])
    return ast.unparse(ast.fix_missing_locations(node)).removesuffix("\n    pass")


def _value(node):
    """A constant's value, of a dict that holds functions or classes its keys, of what is computed that it is there."""
    try:
        ast.literal_eval(node)
    except ValueError:
        return f"{{{', '.join(ast.unparse(key) for key in node.keys)}}}" if isinstance(node, ast.Dict) else "..."
    return ast.unparse(node)


def _dotted(node):
    """`a.b.c` of names and attributes, else ""."""
    if isinstance(node, ast.Attribute):
        return f"{before}.{node.attr}" if (before := _dotted(node.value)) else ""
    return node.id if isinstance(node, ast.Name) else ""


def _is_hidden(name):
    return name.startswith("_") and name != "__init__"


def _is_string(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
