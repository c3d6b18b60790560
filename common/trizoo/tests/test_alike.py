"""The three packages are one text in three languages: public names, their order and their signatures are the same.

Read from the syntax trees, so that no framework needs to be there. A network's call is `forward` in PyTorch and `call`
in TensorFlow and Keras, a loss's is `__call__`, and they count as one name; so does the class that satisfies
`trizoo.framework.Framework`.
"""

import ast
import difflib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "torch_zoo": ROOT / "pytorch" / "torch_zoo",
    "tf2_zoo": ROOT / "tf2" / "tf2_zoo",
    "keras_zoo": ROOT / "keras" / "keras_zoo",
}
CALLS = ("forward", "__call__", "call")
FRAMEWORKS = ("PyTorch", "TF2", "Keras")

# modules that not every framework needs, and why
SPECIAL = {
    "torch_zoo/precision.py": "mixed precision is each framework's own",
    "tf2_zoo/precision.py": "the same",
    "keras_zoo/precision.py": "the same",
    "tf2_zoo/layers.py": "tf.Module comes without layers",
    "tf2_zoo/network.py": "what a network is saved for others by is each framework's own",
    "tf2_zoo/optimizers.py": "TensorFlow's optimisers are Keras's, with another weight decay",
    "keras_zoo/layers.py": "Keras keeps the biased running variance",
    "keras_zoo/layout.py": "on PyTorch's backend Keras is faster with channels first",
    "keras_zoo/training_model.py": "Keras's trainer wants a model that knows its loss",
    "keras_zoo/optimizers.py": "Keras's optimisers decay weights apart from the gradient",
}

# what a package must not import: other frameworks, for Keras also those that it runs on
UNWANTED = {
    "torch_zoo": {"tensorflow", "keras", "jax", "tf2_zoo", "keras_zoo"},
    "tf2_zoo": {"torch", "keras", "jax", "torch_zoo", "keras_zoo"},
    "keras_zoo": {"torch", "tensorflow", "jax", "torch_zoo", "tf2_zoo"},
}

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="trizoo is not in its repository")


def modules(package):
    """The package's modules without its tests: {"models/yolov3.py": path}; none where nothing is written yet."""
    folder = PACKAGES[package]
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.py"))}
    paths = {name: path for name, path in paths.items() if not name.startswith("tests/")}
    return {} if paths.keys() == {"__init__.py"} else paths


def shared(package):
    """The modules of a package that every framework has."""
    return {name: path for name, path in modules(package).items() if f"{package}/{name}" not in SPECIAL}


WRITTEN = [package for package in PACKAGES if modules(package)]
TWINS = [package for package in WRITTEN if package != "torch_zoo"]


def outline(text):
    """The public names of a module in order, a line each: constants, functions with arguments, classes with methods."""
    lines = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            lines.append(f"class {'(the framework)' if node.name in FRAMEWORKS else node.name}")
            methods = [child for child in node.body if isinstance(child, ast.FunctionDef)]
            lines += [f"    {signature(child)}" for child in methods if not hidden(child.name)]
        elif isinstance(node, ast.FunctionDef) and not hidden(node.name):
            lines.append(signature(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            targets = [name for target in targets for name in getattr(target, "elts", [target])]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            lines += [name for name in names if name.isupper() and not name.startswith("_")]
    return lines


def hidden(name):
    return name.startswith("_") and name not in ("__init__", *CALLS)


def signature(function):
    """A function's name and arguments with defaults, without annotations: "load(make_batch, plans, workers=0)"."""
    arguments = function.args
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    name = "(the call)" if function.name in CALLS else function.name
    return f"{name}({ast.unparse(arguments)})"


def parts(text):
    """Class name -> names of the attributes that its __init__ assigns, in order."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            makers = [child for child in node.body if isinstance(child, ast.FunctionDef) and child.name == "__init__"]
            found[node.name] = [
                target.attr
                for maker in makers
                for statement in ast.walk(maker)
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Attribute)
            ]
    return found


def read(package, name):
    return modules(package)[name].read_text(encoding="utf-8")


def compare(name, package, ours, theirs):
    """Fails where lines differ, and shows with - what torch_zoo has and with + what its twin has instead."""
    files = f"torch_zoo/{name}", f"{package}/{name}"
    different = list(difflib.unified_diff(ours, theirs, *files, lineterm="", n=1))
    if different:
        pytest.fail("\n".join(different), pytrace=False)


def read_twin(package, name):
    """The text of a module that torch_zoo has; the test fails where the package lacks it."""
    if name not in modules(package):
        pytest.fail(f"{package}/{name} is missing; torch_zoo has it", pytrace=False)
    return read(package, name)


@pytest.mark.parametrize("package", TWINS)
def test_there_are_the_same_modules(package):
    ours, theirs = sorted(shared("torch_zoo")), sorted(shared(package))
    compare("", package, ours, theirs)  # SPECIAL is the place for one that the others don't need


@pytest.mark.parametrize("package", TWINS)
@pytest.mark.parametrize("name", shared("torch_zoo"))
def test_public_names_and_signatures_are_the_same_in_the_same_order(package, name):
    compare(name, package, outline(read("torch_zoo", name)), outline(read_twin(package, name)))


def networks():
    """Modules whose classes' attributes give the canonical names of parameters."""
    return [name for name in shared("torch_zoo") if name.split("/")[0] in ("blocks.py", "backbones", "models")]


@pytest.mark.parametrize("package", TWINS)
@pytest.mark.parametrize("name", networks())
def test_attributes_of_networks_are_assigned_in_the_same_order(package, name):
    """A twin may keep more (a padding, a buffer); had it parameters of its own, the names file would tell."""
    theirs = parts(read_twin(package, name))
    for cls, attributes in parts(read("torch_zoo", name)).items():
        compare(f"{name}: {cls}", package, attributes, [a for a in theirs.get(cls, []) if a in attributes])


@pytest.mark.parametrize("package", WRITTEN)
def test_a_package_imports_its_own_framework_only(package):
    found = []
    for name in modules(package):
        for node in ast.walk(ast.parse(read(package, name))):
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                imported = [node.module or ""]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                imported = ["keras"] if (node.value.id, node.attr) == ("tf", "keras") else []
            else:
                continue
            found += [
                f"{package}/{name}:{node.lineno} imports {module}"
                for module in imported
                if module.split(".")[0] in UNWANTED[package] or module.startswith("tensorflow.keras")
            ]
    assert found == []


@pytest.mark.parametrize("entry", SPECIAL)
def test_modules_of_one_framework_only_are_there(entry):
    package, name = entry.split("/", 1)
    if package not in WRITTEN:
        pytest.skip(f"{package} is not written yet")
    assert name in modules(package), f"{entry} is gone; its line in SPECIAL can go too"


@pytest.mark.parametrize("package", WRITTEN)
def test_every_package_runs_all_of_the_common_tests(package):
    missing = []
    for contract in sorted((ROOT / "common" / "trizoo" / "tests" / "contract").glob("*.py")):
        path = PACKAGES[package] / "tests" / f"test_{contract.stem}.py"
        line = f"from trizoo.tests.contract.{contract.stem} import *"
        if not path.is_file() or line not in path.read_text(encoding="utf-8"):
            missing.append(f"{package}/tests/{path.name}: {line}")
    assert missing == []


def test_an_outline_holds_what_a_reader_of_the_twin_relies_on():
    text = """
SIZE: int = 3
_HIDDEN = 4
FIRST, SECOND = 1, 2
local = 5

class Block(Base):
    def __init__(self, channels, stride=1): ...
    def forward(self, x: Tensor): ...
    def _inner(self): ...

def load(path, *, strict=True, **options): ...

def _private(): ...
"""
    assert outline(text) == [
        "SIZE",
        "FIRST",
        "SECOND",
        "class Block",
        "    __init__(self, channels, stride=1)",
        "    (the call)(self, x)",
        "load(path, *, strict=True, **options)",
    ]
    assert outline(text.replace("forward", "call").replace("Base", "keras.layers.Layer")) == outline(text)
    assert outline(text.replace("stride=1", "stride=2")) != outline(text)
    assert outline("def a(): ...\ndef b(): ...") != outline("def b(): ...\ndef a(): ...")


def test_parts_are_the_attributes_in_order():
    text = """
class Block:
    def __init__(self, channels):
        super().__init__()
        self.conv = Conv(channels)
        self.bn = BatchNorm(channels)
"""
    assert parts(text) == {"Block": ["conv", "bn"]}
