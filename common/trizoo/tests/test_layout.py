"""Layouts that silently shadow a real package, each of them tried once, stay out."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = {"pytorch": "torch_zoo", "tf2": "tf2_zoo", "keras": "keras_zoo"}
ENTRIES = {"train.py", "evaluate.py", "predict.py", "export.py"}
SHADOWED = sys.stdlib_module_names | {"torch", "tensorflow", "keras", "jax", "numpy", "PIL", "yaml", "h5py", "pydantic"}

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="trizoo is not in its repository")


def sources(folder):
    """The Python files below a folder, without those that tools put there."""
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part in ("build", "dist", "runs") for part in parts):
            yield path


def present():
    return [ROOT / name for name in FOLDERS if (ROOT / name).is_dir()]


@pytest.mark.parametrize("folder", present(), ids=lambda folder: folder.name)
def test_a_framework_folder_holds_entry_scripts_a_readme_and_one_package(folder):
    assert {path.name for path in folder.glob("*.py")} <= ENTRIES
    assert {path.name for path in folder.glob("*.md")} <= {"README.md"}
    packages = {path.name for path in folder.iterdir() if path.is_dir() and next(sources(path), None)}
    assert packages == {FOLDERS[folder.name]}
    assert (folder / FOLDERS[folder.name] / "__init__.py").is_file()


@pytest.mark.parametrize("folder", [ROOT, *present()], ids=lambda folder: folder.name)
def test_nothing_that_scripts_see_first_has_the_name_of_another_package(folder):
    assert {path.stem for path in folder.glob("*.py")} & SHADOWED == set()
    named = {path.name for path in folder.iterdir() if (path / "__init__.py").is_file()}
    assert named & SHADOWED == set()


def test_no_file_or_folder_is_called_after_no_subject():
    vague = {"utils", "util", "helpers", "helper", "misc"}
    found = [path for path in sources(ROOT) if vague & {*path.relative_to(ROOT).with_suffix("").parts}]
    assert found == []


def test_tests_are_no_packages():
    assert [path for path in sources(ROOT) if path.name == "__init__.py" and "tests" in path.parts] == []


def test_scripts_of_the_frameworks_have_the_same_names():
    names = [{path.name for path in folder.glob("*.py")} for folder in present()]
    assert all(entries == names[0] for entries in names)
