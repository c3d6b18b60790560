"""A lock that one process holds, and that goes with it."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trizoo.ground.lock import HeldError, Lock, holder

HOLD = "import sys, time\nfrom trizoo.ground.lock import Lock\nlock = Lock(sys.argv[1])\nprint('held', flush=True)\n"


def hold_elsewhere(path, then="sys.stdin.read()"):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD + then, str(path)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.kill()
    process.communicate()


def test_one_holds_it_and_is_named_and_afterwards_nothing_is_left(tmp_path):
    path = tmp_path / "lock"
    lock = Lock(path)
    assert lock.works
    with pytest.raises(HeldError, match=f"^process {os.getpid()} on "):
        Lock(path)
    assert holder(path).startswith(f"process {os.getpid()} on ")
    lock.release()
    assert list(tmp_path.iterdir()) == []
    assert holder(path) is None
    Lock(path).release()


def test_a_process_that_is_killed_holds_nothing_any_more(tmp_path):
    path = tmp_path / "lock"
    process = hold_elsewhere(path)
    with pytest.raises(HeldError, match=f"^process {process.pid} on "):
        Lock(path)
    end(process)
    assert path.exists()
    assert holder(path) is None
    Lock(path).release()
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes are forked")
def test_a_forked_process_that_outlives_the_holder_does_not_hold_it(tmp_path):
    """As PyTorch's loader processes do for some seconds."""
    fork = "import os\nchild = os.fork()\n"
    fork += "if not child: print(os.getpid(), flush=True)\nsys.stdin.read() if child else time.sleep(99)"
    process = hold_elsewhere(tmp_path / "lock", fork)
    child = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        os.kill(child, 0)
        Lock(tmp_path / "lock").release()
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate()


def test_what_a_strange_file_says_of_its_holder_is_not_repeated(tmp_path):
    path = tmp_path / "lock"
    process = hold_elsewhere(path)
    path.write_bytes(b"process 1 on \x1b[31mhost\nerror: all is lost" * 99)
    assert holder(path) == "another process"
    end(process)


@pytest.mark.skipif(os.name != "posix", reason="links are of POSIX")
def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match=re.escape(os.strerror(errno.ELOOP))):
        Lock(tmp_path / "lock")
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("trizoo.ground.lock._lock", refuse)
    lock = Lock(tmp_path / "lock")
    assert not lock.works
    lock.release()
