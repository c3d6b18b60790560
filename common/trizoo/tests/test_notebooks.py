"""The notebooks of docs/: as their scripts are, and every cell runs."""

import json
import os

import pytest

from trizoo.framework import installed
from trizoo.tests.scripts import DOCS, load_script

SCRIPTS = sorted((DOCS / "notebooks").glob("*.py"))
IN_EACH = "first_steps"  # framework by framework


def sources(cells):
    """The kinds and texts of cells of a notebook's JSON."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_has_the_code_of_its_script_and_no_outputs(script):
    made = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
    code = [text for kind, text in sources(made["cells"]) if kind == "code"]
    text = script.read_text(encoding="utf-8")
    assert code == [cell.strip("\n") for cell in text.split("# %%")[1:] if not cell.startswith(" [markdown]")]
    assert not any(cell.get("outputs") for cell in made["cells"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_is_what_its_script_makes(script):
    pytest.importorskip("jupytext")
    made = load_script("make_notebooks").notebook(script)
    kept = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert sources(made.cells) == sources(kept["cells"])


def runs():
    """(script, framework) of every notebook; of those in each framework, once for each."""
    for script in SCRIPTS:
        for framework in installed() if script.stem == IN_EACH else [None]:
            yield pytest.param(script, framework, id=f"{script.stem}-{framework}" if framework else script.stem)


@pytest.mark.skipif(not os.environ.get("TRIZOO_NOTEBOOKS"), reason="takes minutes and frameworks: tox -e notebooks")
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
@pytest.mark.parametrize(("script", "framework"), [*runs()])
def test_every_cell_runs(script, framework, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    made = load_script("make_notebooks").notebook(script)
    for cell in made.cells:
        if framework and cell.cell_type == "code":
            cell.source = cell.source.replace('FRAMEWORK = "pytorch"', f'FRAMEWORK = "{framework}"')
    nbclient.NotebookClient(made, timeout=600, kernel_name="python3").execute(cwd=str(tmp_path))
    assert all(cell.execution_count for cell in made.cells if cell.cell_type == "code")
