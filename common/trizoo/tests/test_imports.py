import json
import subprocess
import sys

# run in a fresh process: imports every module of `trizoo` and says which of them brought in what they must not
SCRIPT = """
import importlib, json, pkgutil, sys
import trizoo
UNWANTED = {"torch", "tensorflow", "keras", "jax", "matplotlib"}
found, names = {}, ["trizoo", *(module.name for module in pkgutil.walk_packages(trizoo.__path__, "trizoo."))]
names = [name for name in names if ".tests" not in name]
for name in names:
    before = UNWANTED & sys.modules.keys()
    importlib.import_module(name)
    brought = sorted((UNWANTED & sys.modules.keys()) - before)
    if brought:
        found[name] = brought
print(json.dumps([names, found]))
"""


def test_no_module_of_trizoo_imports_a_framework_or_matplotlib():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    names, found = json.loads(result.stdout)
    assert found == {}
    assert {"trizoo.ground.boxes", "trizoo.training.loop", "trizoo.recipes.load", "trizoo.commands.data"} <= set(names)
