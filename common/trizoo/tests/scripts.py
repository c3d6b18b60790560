"""The commands of docs/ as modules."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def load_script(name):
    """A command of docs/, such as "make_tables", as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
