"""The three packages are one text in three languages: same names everywhere, and in the networks the same lines.

Read from the source, so that no framework needs to be there; `trizoo.parity.neutral` says which words count as one.
"""

import ast
import difflib
from pathlib import Path

import pytest

from trizoo.parity.alike import OUTLINES, TEXTS, differences, unlike
from trizoo.parity.neutral import outline

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "torch_zoo": ROOT / "pytorch" / "torch_zoo",
    "tf2_zoo": ROOT / "tf2" / "tf2_zoo",
    "keras_zoo": ROOT / "keras" / "keras_zoo",
}

# modules that not every framework needs, and why
SPECIAL = {
    "torch_zoo/graph_ops.py": "graphs are each framework's own",
    "torch_zoo/ends.py": "the same",
    "torch_zoo/export.py": "each framework has graphs of its own, and ONNX is PyTorch's part",
    "torch_zoo/pt2.py": "the same",
    "tf2_zoo/graph_ops.py": "graphs are each framework's own",
    "tf2_zoo/ends.py": "the same",
    "tf2_zoo/export.py": "and SavedModel and TFLite TensorFlow's",
    "tf2_zoo/int8.py": "the same",
    "keras_zoo/graph_ops.py": "graphs are each framework's own",
    "keras_zoo/ends.py": "the same",
    "keras_zoo/export.py": "and .keras Keras's",
    "torch_zoo/processes.py": "how processes find each other is each framework's own",
    "tf2_zoo/processes.py": "the same",
    "keras_zoo/processes.py": "the same",
    "torch_zoo/dilated.py": "a way around a slow kernel of PyTorch's",
    "torch_zoo/precision.py": "mixed precision is each framework's own",
    "tf2_zoo/precision.py": "the same",
    "keras_zoo/precision.py": "the same",
    "tf2_zoo/layers.py": "tf.Module comes without layers",
    "torch_zoo/network.py": "how a network is saved and served is each framework's own",
    "tf2_zoo/network.py": "the same",
    "keras_zoo/network.py": "the same",
    "tf2_zoo/optimizers.py": "TensorFlow's optimisers are Keras's, with another weight decay",
    "tf2_zoo/replicas.py": "PyTorch has a process for each device",
    "keras_zoo/replicas.py": "and Keras what its backend has",
    "keras_zoo/layers.py": "Keras keeps the biased running variance",
    "keras_zoo/native.py": "Keras's own ways are slow on the backends that it is for",
    "keras_zoo/jax_conv.py": "the same",
    "keras_zoo/layout.py": "on PyTorch's backend Keras is faster with channels first",
    "keras_zoo/optimizers.py": "Keras's optimisers decay weights apart from the gradient",
}

# what a package must not import: other frameworks, for Keras also those that it runs on
UNWANTED = {
    "torch_zoo": {"tensorflow", "keras", "jax", "tf2_zoo", "keras_zoo"},
    "tf2_zoo": {"torch", "keras", "jax", "torch_zoo", "keras_zoo"},
    "keras_zoo": {"torch", "tensorflow", "jax", "torch_zoo", "tf2_zoo"},
}

OF_BACKENDS = {
    "keras_zoo/jax_conv.py",
    "keras_zoo/native.py",
    "keras_zoo/processes.py",  # Keras itself has nothing for several devices but on JAX
    "keras_zoo/replicas.py",
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
    ours, theirs = (
        outline(read("torch_zoo", name), "torch_zoo", details=False),
        outline(read_twin(package, name), package, details=False),
    )
    compare(name, package, [line.text for line in ours], [line.text for line in theirs])


def compared():
    """Modules of which more is compared than names and signatures."""
    return [name for name in shared("torch_zoo") if TEXTS.fullmatch(name) or OUTLINES.fullmatch(name)]


def test_networks_and_losses_are_compared():
    folders = [name for name in shared("torch_zoo") if name.split("/")[0] in ("models", "backbones", "losses")]
    assert {"attention.py", "blocks.py", "necks.py", "segmentation.py", *folders} == set(compared())


@pytest.mark.parametrize("name", compared())
def test_the_packages_are_one_text_but_for_known_differences(name):
    found = unlike(name, {package: read_twin(package, name) for package in WRITTEN}, differences())
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_known_differences_are_in_modules_that_are_compared():
    assert {difference.file for difference in differences()} <= set(compared())


def swapped(text, first, second):
    """The text with the lines that begin with these words in each other's places."""
    lines = text.splitlines(keepends=True)
    places = [next(i for i, line in enumerate(lines) if line.lstrip().startswith(words)) for words in (first, second)]
    lines[places[0]], lines[places[1]] = lines[places[1]], lines[places[0]]
    return "".join(lines)


# changes of one package alone that names and signatures don't show: package, module, words before and after
CHANGES = {
    "class constant": ("keras_zoo", "models/yolov3.py", "coarsest_neck = SPPConvs", "coarsest_neck = FiveConvs"),
    "module constant": ("tf2_zoo", "backbones/darknet53.py", "512, 1024)", "512, 1048)"),
    "eps": ("tf2_zoo", "blocks.py", "BN_EPS = 1e-5", "BN_EPS = 1e-3"),
    "known difference": ("keras_zoo", "blocks.py", "BN_MOMENTUM = 0.9", "BN_MOMENTUM = 0.99"),
    "docstring": ("keras_zoo", "necks.py", "p7 of relu(p6) by another", "p7 of p6 by another"),
    "docstring of a block": ("torch_zoo", "blocks.py", "x between 0 and 6", "x between 0 and 1"),
    "comment": ("torch_zoo", "necks.py", "the greatest of 9x9", "the greatest of 13x13"),
    "order of concatenation": ("tf2_zoo", "necks.py", "pool13, pool9, pool5, x", "x, pool5, pool9, pool13"),
    "padding that PyTorch must name": (
        "torch_zoo",
        "models/retinanet.py",
        "num_classes, 3, padding=1",
        "num_classes, 3",
    ),
}


@pytest.mark.parametrize(("package", "name", "before", "after"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_one_package_alone_is_noticed(package, name, before, after):
    texts = {package: read(package, name) for package in WRITTEN}
    assert texts[package].count(before) == 1
    texts[package] = texts[package].replace(before, after)
    assert unlike(name, texts, differences()) != []


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("necks.py", "self.lateral_c3 =", "self.lateral_c4 ="),
        ("segmentation.py", "self.pool =", "self.project ="),
        ("blocks.py", "self.num_anchors =", "self.conv = ConvBlock("),
        ("models/yolov4.py", "self.lateral_p4 =", "self.lateral_c4 ="),
    ],
)
def test_another_order_of_attributes_in_one_package_is_noticed(package, name, first, second):
    texts = {package: read(package, name) for package in WRITTEN}
    texts[package] = swapped(texts[package], first, second)
    assert unlike(name, texts, differences()) != []


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
                if f"{package}/{name}" not in OF_BACKENDS
                and (module.split(".")[0] in UNWANTED[package] or module.startswith("tensorflow.keras"))
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
