"""Tries the installed zoo from an empty folder: python .ci/try_wheel.py [FRAMEWORK], in an environment of its own.

Without a framework's name none may be installed: what needs none works, and train says what is missing.
"""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import trizoo
from trizoo.parity.golden import load_golden
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.weights.names import load_names, models

SMALL = ("--input-size", "64", "--batch-size", "2", "--workers", "0", "--device", "cpu")


def command(folder, *arguments, code=0):
    """What `trizoo` prints; it must end with this code, and say nothing on standard error unless it is an error."""
    print("trizoo", *arguments, flush=True)
    program = Path(sys.executable).with_name("trizoo")
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert bool(done.stderr) == bool(code), done.stderr
    print(done.stdout, done.stderr, sep="", flush=True)
    return done.stdout + done.stderr


def check_files():
    """What is read at run time is there, and nothing that doesn't belong there."""
    package = Path(trizoo.__file__).parent
    assert package.parent.name == "site-packages", package
    assert (package / "py.typed").is_file()
    assert not list(package.rglob("tests"))
    assert (package / "download" / "weights_manifest.yaml").is_file()
    assert (package / "serve" / "web" / "page.html").is_file()
    for model in models():
        assert load_names(model)
        assert load(Recipe, base=model).recipe.model.name == model
    assert load_golden("yolov3")
    for name in ("torch_zoo", "tf2_zoo", "keras_zoo"):
        assert importlib.util.find_spec(name) is not None, name
    for name in ("common", "pytorch", "tf2", "train", "evaluate", "predict"):
        assert importlib.util.find_spec(name) is None, name


def check_without_framework(folder):
    """What needs no framework works; the rest says which one to install."""
    assert importlib.util.find_spec("keras") is None
    assert "yolov3.coco" in command(folder, "weights", "list")
    command(folder, "data", "synth", "drawings", "--images", "3", "--size", "64")
    assert "Errors: none" in command(folder, "data", "check", "drawings")
    assert "no framework is installed; pip install" in command(folder, "train", code=2)
    assert "PyTorch isn't installed; pip install" in command(folder, "train", "--framework", "pytorch", code=2)


def check_framework(folder, name):
    """A run from its data to its predictions."""
    command(folder, "synth", "drawings", "--images", "10", "--size", "64")
    first = command(folder, "train", "--data", "drawings", "--epochs", "1", "--quiet", "--out", "run", *SMALL)
    assert "(the only one installed), device: cpu" in first.splitlines()[0]
    weights = ("--weights", "run/best.h5", "--device", "cpu", "--framework", name)
    assert "mAP50" in command(folder, "evaluate", *weights)
    assert "written to predictions" in command(folder, "predict", "drawings/JPEGImages", "--json", *weights)
    assert "yolov3.coco" in command(folder, "weights", "list")


if __name__ == "__main__":
    check_files()
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:]:
            check_framework(folder, sys.argv[1])
        else:
            check_without_framework(folder)
