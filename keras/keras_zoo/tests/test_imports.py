"""Keras alone: a backend's own interface would tie the zoo to that backend, but where Keras has none or a slow one."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
BACKENDS = {"tensorflow", "jax", "torch"}
# several devices, how graphs are optimised, gradients outside of a model: Keras has no interface of its own for them
OWN = ("native.py", "processes.py", "replicas.py", "test_blocks.py", "test_replicas.py", "conftest.py")
JAX_ALONE = ("jax_conv.py", "test_jax_conv.py")  # nobody imports them on another backend


def imported(path):
    """The top-level names of all that a file imports; of OWN what it imports before a function is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if path.name in OWN else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_no_file_imports_a_backend_or_keras_insides():
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 15
    for path in files:
        allowed = {"jax"} if path.name in JAX_ALONE else set()
        assert (BACKENDS - allowed).isdisjoint(imported(path)), path
        assert "keras.src" not in path.read_text(encoding="utf-8") or path == Path(__file__), path
