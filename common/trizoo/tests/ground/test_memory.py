"""What a person hears where memory is too small; memory that is kept, and given back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.memory import TooLittleMemoryError, available_memory, explain_out_of_memory, keep_freed_memory

IMAGES = np.zeros((4, 48, 64, 3), np.uint8)


@pytest.mark.parametrize("error", [RuntimeError("no memory"), MemoryError()])
def test_running_out_of_memory_says_what_would_need_less(error):
    with pytest.raises(UserError, match=r"too small for 4 images of 64x48 at once; a smaller --batch-size"):  # noqa: SIM117
        with explain_out_of_memory(IMAGES, lambda error: "no memory" in str(error)):
            raise error


def test_a_step_that_runs_out_of_memory_tells_of_how_many_images_it_was():
    with pytest.raises(TooLittleMemoryError, match=r"half the --batch-size") as raised:  # noqa: SIM117
        with explain_out_of_memory(IMAGES, lambda error: True, training=True):
            raise RuntimeError("no memory")
    assert (raised.value.images, raised.value.size) == (4, (64, 48))


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match=r"^shapes$"), explain_out_of_memory(IMAGES, lambda error: False):
        raise RuntimeError("shapes")


def test_keeping_freed_memory_can_be_asked_for_again():
    keep_freed_memory()
    keep_freed_memory()


MIB = 1 << 20
PROCESS = "VmSize:\t 5120 kB\nVmRSS:\t 2048 kB\n"  # 5 MiB of addresses, 2 MiB of memory


@pytest.fixture
def system(tmp_path):
    """Writes files of /proc and /sys below a folder, of a machine with 100 MiB left: {path: text} -> the folder."""

    def write(files):
        there = {"proc/self/status": PROCESS, "proc/meminfo": "MemTotal: 999999 kB\nMemAvailable: 102400 kB\n"}
        for name, text in {**there, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, 100),
        ({"proc/self/cgroup": "0::/\n"}, 100),  # a group without a limit
        (
            {
                "proc/self/cgroup": "0::/job/step\n",
                "sys/fs/cgroup/job/memory.max": str(50 * MIB),
                "sys/fs/cgroup/job/memory.current": str(30 * MIB),
                "sys/fs/cgroup/job/memory.stat": f"anon 7\ninactive_file {10 * MIB}\n",
                "sys/fs/cgroup/job/step/memory.max": "max\n",
                "sys/fs/cgroup/job/step/memory.current": str(MIB),
            },
            30,  # 50 - 30, and 10 of files' pages
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": str(64 * MIB),
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": str(60 * MIB),
            },
            4,
        ),
    ],
    ids=["system", "no limit", "version 2", "version 1"],
)
def test_memory_is_what_the_system_and_each_control_group_leave_and_what_the_process_has(system, files, left):
    assert available_memory(system(files)) == (left + 2) * MIB


LIMITED = """
import resource
from trizoo.ground.memory import TOP_PAD, available_memory

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, resource.RLIM_INFINITY))
print(available_memory() + TOP_PAD)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell a process's memory")
def test_a_limit_of_addresses_counts():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert 1 << 30 < int(done.stdout) < 3 << 30  # without what Python itself has mapped


# prints how many megabytes of 100 are still the process's after they were freed, and after they were given back
GIVING_BACK = """
import re
from pathlib import Path
from trizoo.ground.memory import give_back_freed_memory, keep_freed_memory

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1000

keep_freed_memory()
before = resident()
data = bytearray(b"x") * 100_000_000
del data
kept = resident() - before
give_back_freed_memory()
print(kept, resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell a process's memory")
def test_freed_memory_that_is_kept_can_be_given_back():
    done = subprocess.run([sys.executable, "-c", GIVING_BACK], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    if kept < 50:
        pytest.skip("this C library keeps nothing")
    assert left < 20
