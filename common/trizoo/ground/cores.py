"""How many processors there are for us, and what they can do."""

import os
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
# as Linux calls them: matrices of it on x86, vectors of it there and on ARM
BF16_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}


def available_cores():
    """The cores that this process may use, which in a container or a batch job are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_multiplies_bf16(cpu_info=CPU_INFO):
    """Whether the CPU multiplies bfloat16 itself; False where the system doesn't say."""
    try:
        lines = Path(cpu_info).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    named = (line.partition(":") for line in lines)
    flags = next((flags for name, _, flags in named if name.strip().lower() in ("flags", "features")), "")
    return not BF16_FLAGS.isdisjoint(flags.split())


def describe_cpu(threads):
    """The CPU as a device, in words: "cpu (2 threads of 8 cores)"."""
    return f"cpu ({threads} threads of {os.cpu_count()} cores)"


def greatest_share(there, images):
    """How many of the devices that are there share so many images equally: the most that do, at least 1."""
    return max((count for count in range(1, there + 1) if images % count == 0), default=1)
