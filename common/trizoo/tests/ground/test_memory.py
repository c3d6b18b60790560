"""What a person hears where memory is too small; memory that is kept, and given back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.memory import explain_out_of_memory, keep_freed_memory

IMAGES = np.zeros((4, 48, 64, 3), np.uint8)


def test_running_out_of_memory_says_what_would_need_less():
    with pytest.raises(UserError, match=r"too small for 4 images of 64x48 at once; half the --batch-size"):  # noqa: SIM117
        with explain_out_of_memory(IMAGES, lambda error: "no memory" in str(error)):
            raise RuntimeError("no memory")


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match=r"^shapes$"), explain_out_of_memory(IMAGES, lambda error: False):
        raise RuntimeError("shapes")


def test_keeping_freed_memory_can_be_asked_for_again():
    keep_freed_memory()
    keep_freed_memory()


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
