"""The committed tables of models are what docs/make_tables.py writes; torch_zoo's test_tables.py counts GFLOPs."""

import re
from pathlib import Path

import pytest

from trizoo.families import ARCHITECTURES
from trizoo.tests.scripts import DOCS, load_script
from trizoo.weights.names import load_names

ROOT = Path(__file__).parents[3]
NUMBER = re.compile(r"(?:\| |\*\*)(0\.\d+)(?= \||\*\*)")  # a cell, or a mean in bold
pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the repository")


@pytest.fixture(scope="module")
def tables():
    return load_script("make_tables")


def test_the_pages_hold_what_the_command_writes(tables):
    counted = tables.committed()
    assert list(counted) == list(ARCHITECTURES)
    for path, text in tables.pages(counted).items():
        assert path.read_text(encoding="utf-8") == text, f"python docs/make_tables.py would change {path.name}"


def test_parameters_are_those_of_darknets_file(tables):
    # yolov3.weights holds 62,001,757 floats, of which two for each of 26,304 normalised channels are statistics
    statistics = [shape[0] for name, shape in load_names("yolov3").items() if name.endswith("running_mean")]
    assert tables.parameters("yolov3") + 2 * sum(statistics) == 62_001_757


def test_measured_metrics_stand_in_the_results(tables):
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for model, measured in tables.MEASURED.items():
        assert any(abs(float(value) - float(measured)) < 5e-4 for value in NUMBER.findall(results)), model


def test_a_page_without_marks_is_refused(tables):
    with pytest.raises(ValueError, match="no marks <!-- models -->"):
        tables.replaced("<!-- models -->\n", "models", "| a |")
