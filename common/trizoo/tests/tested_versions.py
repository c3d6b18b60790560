"""A plugin of pytest's, for tox: notes what a whole suite has passed with, for `python docs/make_versions.py`."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "tensorflow", "tensorflow-cpu", "keras", "jax", "numpy", "pillow", "opencv-python-headless")


def pytest_sessionfinish(session, exitstatus):
    """Writes the file that TRIZOO_TESTED names, where all tests passed and none was chosen by hand."""
    place, config = os.environ.get("TRIZOO_TESTED"), session.config
    chosen = config.getoption("keyword") or any("::" in argument for argument in config.args)
    if not place or exitstatus or chosen or hasattr(config, "workerinput"):
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record(len(reporter.stats.get("passed", ()))), indent=1) + "\n", encoding="utf-8")


def record(passed):
    """What this environment is, ready for JSON: {"python", "system", "packages", "passed"}."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    system = f"{platform.system()} {platform.machine()}"
    return {"python": platform.python_version(), "system": system, "packages": packages, "passed": passed}
