"""Every reader states its limits, and keeps them with a file that is made to break it; bombs.py has more of them."""

import mmap
import os
import sys
from pathlib import Path

import pytest

from trizoo.tests.campaigns import bombs
from trizoo.tests.campaigns.bomb_files import DEEP
from trizoo.tests.campaigns.fuzz import readers
from trizoo.tests.campaigns.running import Findings

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or not sys.platform.startswith("linux"), reason="needs fork and /proc"
)
READERS = [name for name in readers() if not name.startswith("trizoo ")] if hasattr(os, "fork") else []


def test_every_reader_has_files_that_are_made_to_break_it():
    assert set(READERS) <= set(bombs.BOMBS)
    assert set(bombs.BOMBS) == set(bombs.MODULES)
    assert [name for name, made in bombs.BOMBS.items() if not all(map(callable, made().values()))] == []


@pytest.mark.parametrize("module", bombs.READ_BY)
def test_every_reader_states_a_limit_of_memory_and_one_of_time(module):
    memory, seconds = bombs.limits(bombs.READ_BY[module][0])
    assert 50 << 20 <= memory <= 1 << 30
    assert 1 <= seconds <= 60


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_made_to_break_a_reader_keeps_its_limits(reader, tmp_path):
    findings = Findings(tmp_path / "findings")
    row = bombs.campaign(reader, tmp_path, findings, only=1)
    assert findings.lines == []
    assert row[1] >= 1


def test_a_reader_that_takes_more_than_it_states_is_a_finding(tmp_path, monkeypatch):
    def take():
        with mmap.mmap(-1, 100 << 20) as memory:  # the heap may have it already, of other tests
            memory.write(bytes(100 << 20))

    def greedy(root):
        path = Path(root, "a")
        path.write_bytes(b"whole")
        return [path], take

    monkeypatch.setattr(bombs, "readers", lambda: {"greedy": greedy})
    monkeypatch.setitem(bombs.BOMBS, "greedy", lambda: {"deep": lambda whole: DEEP[:10_000]})
    monkeypatch.setattr(bombs, "limits", lambda reader: (10 << 20, 5))
    findings = Findings(tmp_path / "findings")
    bombs.campaign("greedy", tmp_path, findings, only=1)
    assert len(findings.lines) == 1
