import json
import subprocess
import sys

# run in a fresh process: imports every module of `common` and says which of them brought in what they must not
SCRIPT = """
import importlib, json, pkgutil, sys
import common
UNWANTED = {"torch", "tensorflow", "keras", "jax", "matplotlib"}
found, names = {}, ["common", *(module.name for module in pkgutil.walk_packages(common.__path__, "common."))]
names = [name for name in names if ".tests" not in name]
for name in names:
    before = UNWANTED & sys.modules.keys()
    importlib.import_module(name)
    brought = sorted((UNWANTED & sys.modules.keys()) - before)
    if brought:
        found[name] = brought
print(json.dumps([names, found]))
"""


def test_no_module_of_common_imports_a_framework_or_matplotlib():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    names, found = json.loads(result.stdout)
    assert found == {}
    assert {"common.boxes", "common.training.loop", "common.recipes.load", "common.data.__main__"} <= set(names)
