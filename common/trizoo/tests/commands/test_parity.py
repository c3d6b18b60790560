"""The comparison of frameworks: installed ones, the table, breaches, files."""

import json
from functools import partial
from threading import Barrier

import numpy as np
import pytest

from trizoo.commands import parity
from trizoo.commands.main import run
from trizoo.ground.errors import UserError
from trizoo.parity.golden import TOLERANCES, load_golden

main = partial(run, "parity", prog="trizoo parity")
MODEL = "yolov3-tiny"


def measurement(versions, **changes):
    """The golden as some framework's measurement."""
    return load_golden(MODEL) | {"versions": np.array(versions), "seconds": np.float64(2)} | changes


@pytest.fixture
def sides(monkeypatch):
    """A function: {name: measurement} stands for the installed frameworks."""

    def installed(measured):
        monkeypatch.setattr(parity, "SIDES", [parity.Side(name, "nothing", ()) for name in measured])
        monkeypatch.setattr(parity, "measure", lambda side, models, folder: {MODEL: measured[side.name]})

    return installed


def test_equal_frameworks_pass_with_a_row_each(sides, capsys):
    sides({"A": measurement("A 1.0"), "B": measurement("B 2.0")})
    assert main([MODEL]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if "0.0e+00" in line] == [["A", "1.0"], ["B", "2.0"]]
    assert "breach" not in "".join(lines)


def test_a_framework_beyond_a_bound_fails_with_its_name_and_the_difference(sides, capsys):
    curve = load_golden(MODEL)["curve"]
    sides({"A": measurement("A 1.0"), "B": measurement("B 2.0", curve=curve * 1.01)})
    assert main([MODEL]) == 1
    assert "breach: B's curve of yolov3-tiny is 0.01 away; 0.0001 is the bound" in capsys.readouterr().out


def test_as_many_frameworks_as_jobs_are_measured_at_once(sides, monkeypatch, capsys):
    sides({"A": measurement("A 1.0"), "B": measurement("B 2.0")})
    together = Barrier(2, timeout=30)

    def measure(side, models, folder):
        together.wait()
        return {MODEL: measurement(f"{side.name} 1.0")}

    monkeypatch.setattr(parity, "measure", measure)
    assert main([MODEL, "--jobs", "2"]) == 0
    assert [line[0] for line in capsys.readouterr().out.splitlines() if "0.0e+00" in line] == ["A", "B"]


def test_two_frameworks_are_compared_with_one_another_too():
    curve = load_golden(MODEL)["curve"]
    measured = {"A": measurement("A", curve=curve * 1.00008), "B": measurement("B", curve=curve * 0.99992)}
    report = parity.compare(MODEL, measured)
    assert report["A"]["differences"]["curve"] == pytest.approx(0.00016, rel=0.01)
    assert report["A"]["differences"]["curve"] > TOLERANCES["curve"]


def test_json_and_plot_hold_the_differences_and_the_curves(sides, tmp_path):
    sides({"A": measurement("A 1.0"), "B": measurement("B 2.0")})
    out, picture = tmp_path / "differences.json", tmp_path / "curves.png"
    assert main([MODEL, "--json", str(out), "--plot", str(picture)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["bounds"] == TOLERANCES
    assert report["models"][MODEL]["B"]["versions"] == "B 2.0"
    assert len(report["models"][MODEL]["A"]["curve"]) == len(load_golden(MODEL)["curve"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_framework_and_an_unknown_model_are_one_sentence(monkeypatch):
    with pytest.raises(UserError, match="unknown model 'yolov9'"):
        main(["yolov9"])
    with pytest.raises(UserError, match="retinanet-resnet34 has no golden to be compared with; one of yolov3, "):
        main(["retinanet-resnet34"])
    monkeypatch.setattr(parity, "SIDES", [parity.Side("A", "nothing", ("no_such_module",))])
    with pytest.raises(UserError, match="no framework is installed"):
        main([MODEL])


def test_a_framework_that_fails_is_named_with_what_it_said(tmp_path):
    with pytest.raises(UserError, match=r"A could not be measured: .*No module named no_such_command"):
        parity.measure(parity.Side("A", "no_such_command", ()), [MODEL], tmp_path)


def test_an_empty_folder_of_a_frameworks_name_is_not_the_framework(tmp_path, monkeypatch):
    (tmp_path / "no_such_module").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not parity.Side("A", "nothing", ("no_such_module",)).installed
    assert parity.Side("A", "nothing", ("json",)).installed
