"""A short run of each campaign, and what each must see."""

import os
import pickle
import random
import signal
import time

import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.campaigns import faults, fuzz, hostile, hostile_files, kill
from trizoo.tests.campaigns.running import Process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
READERS = (
    *("Keras 3 .h5", ".pth", "manifest", "tar", "PNG", "boxes: voc", "boxes: yolo-pose", "classes: class-lists"),
    *("gallery, list", "masks: sbd", "trizoo data"),
)


@pytest.fixture
def keep(tmp_path):
    return ["--keep", str(tmp_path / "findings")]


def test_a_few_changed_files_and_command_lines_end_in_a_sentence(keep, capsys):
    assert fuzz.main(["--inputs", "20", *keep, *READERS]) == 0
    printed = capsys.readouterr().out
    assert [name for name in READERS if f"| {name} | 20 |" not in printed] == []


def test_a_reader_that_fails_is_a_finding(keep, capsys, monkeypatch, tmp_path):
    def broken(root):
        (root / "a").write_bytes(b"whole")

        def read():
            if (root / "a").read_bytes() != b"whole":
                raise ZeroDivisionError("a fault")

        return [root / "a"], read

    monkeypatch.setattr(fuzz, "readers", lambda: {"broken": broken})
    assert fuzz.main(["--inputs", "20", *keep]) == 1
    assert "broken" in capsys.readouterr().out
    assert list((tmp_path / "findings").iterdir())


def test_a_reader_that_brings_its_process_down_is_a_finding(keep, capsys, monkeypatch):
    def deadly(root):
        (root / "a").write_bytes(b"whole")
        return [root / "a"], lambda: (root / "a").read_bytes() == b"whole" or os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(fuzz, "readers", lambda: {"deadly": deadly})
    assert fuzz.main(["--inputs", "20", *keep]) == 1
    assert "ended with -9" in capsys.readouterr().out


def test_hostile_files_run_nothing_and_read_nothing_else(keep, capsys):
    assert hostile.main(keep) == 0
    assert "| all | 2" in capsys.readouterr().out


def test_a_reader_that_unpickles_or_follows_is_seen(keep, capsys, monkeypatch):
    def unsafe(folder):
        pickle.loads(b"cbuiltins\nlen\n(]tR.")
        for path in folder.parents[1].glob("canary.txt"):
            path.read_text()
        raise UserError("refused, too late")

    cases = hostile_files.KINDS["safetensors"].cases
    kind = hostile_files.Kind(cases, unsafe, lambda folder: None)
    monkeypatch.setattr(hostile, "KINDS", {"unsafe": kind})
    assert hostile.main(keep) == 1
    printed = capsys.readouterr().out
    assert "pickle.find_class" in printed
    assert "open of the canary" in printed


@pytest.mark.parametrize("fault", [faults.lying_server, faults.two_exports, faults.two_downloads])
def test_a_round_of_faults_ends_well(fault, tmp_path):
    assert fault(faults.Place(tmp_path, random.Random(fault.__name__))) is None


def test_downloads_that_are_killed_go_on(keep):
    row, wrong = kill.download_campaign(2, 0, keep[1])
    assert wrong == []
    assert row[:2] == ("download", 2)


def test_a_process_that_hangs_is_killed(tmp_path):
    process = Process(signal.pause, tmp_path / "out.txt")
    assert process.wait(0.2) is None
    assert process.code == -signal.SIGKILL


def test_a_process_that_does_nothing_hangs_and_one_that_is_slow_does_not(tmp_path):
    def slow():
        while time.process_time() < 0.3:
            pass

    assert Process(signal.pause, tmp_path / "out.txt").wait_while_busy(seconds=60, idle=0.2) is None
    assert Process(lambda: slow(), tmp_path / "out.txt").wait_while_busy(seconds=60, idle=60) == 0
    assert Process(lambda: [slow() for _ in iter(int, 1)], tmp_path / "out.txt").wait_while_busy(0.5, 60) is None
