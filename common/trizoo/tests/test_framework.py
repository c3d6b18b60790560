"""Which frameworks are installed, found without loading any."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trizoo import framework
from trizoo.framework import FRAMEWORKS, PIP, find, installed, is_installed, keras_backend
from trizoo.ground.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def there(monkeypatch):
    """Says which modules are installed, and what KERAS_BACKEND is."""

    def install(*modules, backend="tensorflow"):
        monkeypatch.setattr(framework, "is_installed", lambda module: module in modules)
        monkeypatch.setenv("KERAS_BACKEND", backend)

    return install


def test_an_empty_folder_of_a_librarys_name_is_not_the_library(tmp_path, monkeypatch):
    (tmp_path / "no_such_library").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("no_such_library")
    assert not is_installed("nor_such_a_folder")
    assert is_installed("numpy")


@pytest.mark.parametrize(
    ("modules", "backend", "names"),
    [
        ([], "tensorflow", []),
        (["keras"], "tensorflow", []),
        (["keras", "jax"], "jax", ["keras"]),
        (["keras", "torch"], "tensorflow", ["pytorch"]),
        (["keras", "torch"], "torch", ["pytorch", "keras"]),
        (["keras", "torch", "tensorflow"], "tensorflow", ["pytorch", "tf2", "keras"]),
        (["keras", "torch"], "theano", ["pytorch"]),
    ],
)
def test_a_framework_is_installed_with_all_that_it_runs_on(there, modules, backend, names):
    there(*modules, backend=backend)
    assert installed() == names


@pytest.mark.parametrize(
    ("name", "modules", "backend", "sentence"),
    [
        ("pytorch", [], "", f"PyTorch isn't installed; pip install {PIP['torch']} would do"),
        ("tf2", ["torch"], "", f"TensorFlow isn't installed; pip install {PIP['tensorflow']} would do"),
        ("keras", [], "jax", f"Keras isn't installed; pip install {PIP['keras']} {PIP['jax']} would do"),
        ("keras", ["torch"], "torch", f"Keras isn't installed; pip install {PIP['keras']} would do"),
        (
            "keras",
            ["keras"],
            "jax",
            f"Keras is to run on jax, which isn't installed; pip install {PIP['jax']} would do",
        ),
        (
            "keras",
            ["keras", "torch"],
            "jax",
            f"Keras is to run on jax, which isn't installed; pip install {PIP['jax']} or KERAS_BACKEND=torch would do",
        ),
        (
            "keras",
            ["keras"],
            "theano",
            "KERAS_BACKEND, or keras.json, says 'theano'; one of tensorflow, jax, torch is needed",
        ),
    ],
)
def test_what_is_missing_is_one_sentence_with_what_to_install(there, name, modules, backend, sentence):
    there(*modules, backend=backend)
    with pytest.raises(UserError) as error:
        find(name)
    assert str(error.value) == sentence


def test_what_is_there_is_found(there):
    there("torch")
    assert find("pytorch") is FRAMEWORKS["pytorch"]


def test_keras_runs_on_what_the_environment_says_else_its_file_else_tensorflow(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert keras_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text("no JSON", encoding="utf-8")
    assert keras_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}), encoding="utf-8")
    assert keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert keras_backend() == "torch"


def test_asking_what_is_installed_loads_nothing():
    code = """
import sys
from trizoo.framework import installed
installed()
print(sorted({"torch", "tensorflow", "keras", "jax", "numpy", "pydantic"} & sys.modules.keys()))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="trizoo is not in its repository")
def test_versions_to_install_are_the_start_pages_newest():
    table = (ROOT / "docs" / "start.md").read_text(encoding="utf-8").partition("## Versions")[2]
    for requirement in PIP.values():
        assert requirement.partition("==")[2] in table, requirement
