from pathlib import Path

import pytest

from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.parity import sidebyside as module
from trizoo.parity.alike import PACKAGES
from trizoo.parity.sidebyside import align, compare, files_of, find_packages, imports, network_file, sidebyside

ROOT = Path(__file__).parents[4]
FOLDERS = {
    package: ROOT / folder / package for folder, package in zip(("pytorch", "tf2", "keras"), PACKAGES, strict=True)
}
in_repository = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="trizoo is not in its repository")


@in_repository
@pytest.mark.parametrize("package", PACKAGES)
def test_every_model_has_a_network_file(package):
    found = {network_file(package, FOLDERS[package], model) for model in ARCHITECTURES}
    assert all((FOLDERS[package] / name).is_file() for name in found)
    assert network_file(package, FOLDERS[package], "yolov3-spp") == "models/yolov3.py"


@in_repository
def test_a_models_files_begin_with_its_network_and_go_on_with_what_it_imports():
    files = sidebyside("yolov3", FOLDERS)
    names = [file.name for file in files]
    assert names[0] == "models/yolov3.py"
    assert {"backbones/darknet53.py", "necks.py", "blocks.py"} < set(names)
    assert "attention.py" not in names
    network = files[0]
    assert network.packages == PACKAGES
    assert network.alike == len(network.rows)


@in_repository
def test_every_line_of_every_package_is_shown_once_and_in_order():
    for file in sidebyside("yolov4-tiny", FOLDERS):
        for number, package in enumerate(PACKAGES):
            if package in file.packages:
                shown = [line for row in file.rows if row.cells[number] for line in row.cells[number].lines if line]
                text = (FOLDERS[package] / file.name).read_text(encoding="utf-8")
                assert shown == [line for line in text.splitlines() if line], f"{package}/{file.name}"


@in_repository
def test_a_known_difference_comes_with_its_reason():
    (momentum,) = [
        row
        for file in sidebyside("yolov3", FOLDERS)
        for row in file.rows
        if row.cells[0] and row.cells[0].lines[0].startswith("BN_MOMENTUM")
    ]
    assert not momentum.alike
    assert momentum.reason == "Keras's momentum is 1 - PyTorch's"


@in_repository
def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown model 'yolov33'; did you mean 'yolov3'\?"):
        sidebyside("yolov33", FOLDERS)


@in_repository
def test_packages_are_found_where_python_finds_them(monkeypatch):
    for folder in FOLDERS.values():
        monkeypatch.syspath_prepend(folder.parent)
    assert sidebyside("yolov3-tiny")[0] == sidebyside("yolov3-tiny", FOLDERS)[0]


def test_packages_are_found_and_not_imported(tmp_path, monkeypatch):
    for package in ("first_zoo", "second_zoo"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(module, "PACKAGES", ("first_zoo", "second_zoo"))
    monkeypatch.syspath_prepend(tmp_path)
    assert find_packages() == {package: tmp_path / package for package in ("first_zoo", "second_zoo")}


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "empty_zoo").mkdir()  # found as a package without a file, of which nothing can be shown
    monkeypatch.syspath_prepend(tmp_path)
    for missing in ("absent_zoo", "empty_zoo"):
        monkeypatch.setattr(module, "PACKAGES", (missing,))
        with pytest.raises(UserError, match=missing):
            find_packages()


def write(folder, **texts):
    """A package's files: a_b="text" becomes a/b.py."""
    for name, text in texts.items():
        path = folder / (name.replace("_", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_are_those_that_are_imported_of_the_package_nearest_first(tmp_path):
    write(
        tmp_path,
        models_net="from zoo.blocks import A\nfrom zoo import layout\nfrom trizoo.x import y\nimport torch",
        blocks="import zoo\nfrom zoo.deep import c",
        layout="from zoo.blocks import A",
        deep_a="",
        unused="",
    )
    (tmp_path / "deep" / "__init__.py").write_text("from zoo.deep.a import c")
    found = files_of("zoo", tmp_path, "models/net.py")
    assert list(found) == ["models/net.py", "blocks.py", "layout.py", "deep/__init__.py", "deep/a.py"]


def test_imports_of_other_packages_dont_count():
    text = "from zoo.a import b\nfrom zoology.c import d\nfrom zoo import e, f\nfrom . import g"
    assert list(imports(text, "zoo")) == ["a", "e", "f"]


@pytest.mark.parametrize("annotation", ["", ": dict[str, type]"])
def test_a_models_file_is_where_its_class_is_imported_from(tmp_path, annotation):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text(
        "from zoo.models.a import A\nfrom zoo.models.b import B, C\n"
        f'YOLO{annotation} = {{"yolov3": A, "yolov4": C}}\nKINDS = {{"pspnet": B}}\n'
    )
    (tmp_path / "families.py").write_text(
        "from zoo.models.c import R\nFAMILIES = {'yolo': Family(lambda spec: YOLO[spec.name](spec), L), "
        "'retinanet': Family(R, L), 'segmentation': Family(lambda spec: KINDS[spec.kind](spec), L)}\n"
    )
    assert network_file("zoo", tmp_path, "yolov4") == "models/b.py"
    assert network_file("zoo", tmp_path, "retinanet-resnet18") == "models/c.py"
    assert network_file("zoo", tmp_path, "pspnet-resnet50") == "models/b.py"


@in_repository
def test_of_the_backbones_the_models_own_is_shown():
    names = [file.name for file in sidebyside("retinanet-resnet50", FOLDERS)]
    assert [name for name in names if name.startswith("backbones/")] == ["backbones/__init__.py", "backbones/resnet.py"]


OURS = """import torch

def f(x):
    return torch.cat(x, dim=1)


class A(nn.Module):
    def forward(self, x):
        return x.amax(dim=(2, 3))  # (B, C)


KINDS = (A,)
"""
THEIRS = """import keras
from keras import ops

def f(x):
    return ops.concatenate(x, axis=1)

class A(keras.layers.Layer):
    def call(self, x):
        x = layout.to_images(x)
        return x.amax(axis=(1, 2))  # (B, C)

KINDS = (A,)
"""


def test_rows_that_differ_in_nothing_but_a_frameworks_words_are_alike():
    file = compare("a.py", {"torch_zoo": OURS, "keras_zoo": THEIRS})
    assert file.packages == ("torch_zoo", "keras_zoo")
    seen = [(row.alike, row.within, [cell.lines[0].strip() if cell else "" for cell in row.cells]) for row in file.rows]
    assert seen == [
        (True, "", ["import torch", "", "import keras"]),
        (True, "", ["", "", "from keras import ops"]),
        (True, "f", ["def f(x):", "", "def f(x):"]),
        (True, "f", ["return torch.cat(x, dim=1)", "", "return ops.concatenate(x, axis=1)"]),
        (True, "A", ["class A(nn.Module):", "", "class A(keras.layers.Layer):"]),
        (True, "A call", ["def forward(self, x):", "", "def call(self, x):"]),
        (False, "A call", ["", "", "x = layout.to_images(x)"]),
        (False, "A call", ["return x.amax(dim=(2, 3))  # (B, C)", "", "return x.amax(axis=(1, 2))  # (B, C)"]),
        (True, "", ["KINDS = (A,)", "", "KINDS = (A,)"]),
    ]
    assert file.alike == 7
    assert [row.cells[0].blank for row in file.rows if row.cells[0]] == [0, 1, 0, 2, 0, 0, 2]


def test_a_file_of_one_package_is_like_itself():
    file = compare("a.py", {"keras_zoo": THEIRS})
    assert file.alike == len(file.rows) == 9
    assert all(row.cells[:2] == (None, None) for row in file.rows)


def test_equal_lines_meet_and_others_stand_in_between():
    rows = align([["a", "b", "c"], ["a", "c", "d"], ["x", "a", "b", "c"]])
    assert list(rows) == [(None, None, 0), (0, 0, 1), (1, None, 2), (2, 1, 3), (None, 2, None)]


def test_between_equal_lines_similar_ones_meet():
    rows = list(align([["begin", "return x.mean(dim=1)", "end"], ["begin", "y = 1", "return mean(x, axis=1)", "end"]]))
    assert rows == [(0, 0), (None, 1), (1, 2), (2, 3)]


def test_what_counts_as_nothing_meets_its_like():
    assert list(align([["", "a"], ["", "", "a"]])) == [(0, 0), (None, 1), (1, 2)]
    assert list(align([["", "a"], ["b", "a"]])) == [(None, 0), (0, None), (1, 1)]


def test_every_line_stands_in_one_row_and_in_order():
    texts = [list("abcabcxyz"), list("cabxbcz"), list("zyxabca")]
    rows = list(align(texts))
    for number, text in enumerate(texts):
        assert [row[number] for row in rows if row[number] is not None] == list(range(len(text)))
