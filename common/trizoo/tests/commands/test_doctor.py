"""trizoo doctor tells what it finds, and of what it can't find out that it can't."""

import json
import subprocess
import sys

import pytest

from trizoo import __version__
from trizoo.commands import doctor
from trizoo.commands.main import main
from trizoo.framework import FRAMEWORKS


@pytest.fixture
def answers(monkeypatch):
    """Says what a framework's process runs instead; only PyTorch counts as installed."""

    def answer(code):
        monkeypatch.setattr(doctor, "PROBE", code)

    for name, package in FRAMEWORKS.items():
        found = None if name == "pytorch" else f"{package.title} isn't installed"
        changed = type(package)(package.title, lambda found=found: found, package.open)
        monkeypatch.setitem(FRAMEWORKS, name, changed)
    return answer


def told(capsys, *flags):
    assert main(["doctor", *flags]) == 0
    return capsys.readouterr().out


def test_it_tells_of_every_part_as_lines_and_as_json(answers, capsys):
    answers('print(\'{"versions": "PyTorch 9", "devices": ["cpu", "cuda:0"], "bf16": 12.3}\')')
    lines = told(capsys)
    assert lines.startswith(f"trizoo: {__version__}\npython: ")
    assert "  PyTorch: PyTorch 9, devices: cpu, cuda:0, 12 GFLOP/s in bf16\n  TensorFlow 2: TensorFlow 2 isn't" in lines
    found = json.loads(told(capsys, "--json"))
    assert set(found) == {*doctor.PARTS, "product", "frameworks"}
    assert "GFLOP/s in float32" in found["product"]


@pytest.mark.parametrize("code", ["1 / 0", "print()", "print('no JSON')"])
def test_a_framework_that_does_not_load_is_called_that(answers, capsys, code):
    answers(code)
    assert "PyTorch: installed, but doesn't load: python -c 'import torch' says why" in told(capsys)


def test_a_framework_that_gives_no_answer_is_not_waited_for(answers, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "SECONDS", 0.2)
    answers("import threading; threading.Event().wait()")
    assert "PyTorch: installed, but gave no answer within 0.2 s" in told(capsys)


def test_what_can_not_be_found_out_is_said(answers, capsys, monkeypatch):
    def broken():
        raise RuntimeError("the disk is on fire")

    answers("print()")
    monkeypatch.setitem(doctor.PARTS, "fonts", broken)
    assert "fonts: can't be found out: the disk is on fire\n" in told(capsys)


def test_an_extra_that_is_missing_has_its_install_line(monkeypatch):
    wanted = [
        "numpy>=1.26",
        'no-such-package>=1; extra == "serve"',
        "numpy>=1.26; extra == 'export'",
        'torch>=2.4; extra == "torch"',
    ]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: wanted)
    found = doctor.extras()
    assert found["serve"] == "no-such-package missing; pip install 'trizoo[serve]'"
    assert found["export"].startswith("numpy ")
    assert "pip" not in found["export"]
    assert set(found) == {"serve", "export"}


def test_nothing_heavy_is_loaded_before_it_is_asked():
    code = "import sys, trizoo.commands.doctor; print(sorted({'torch', 'tensorflow', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
