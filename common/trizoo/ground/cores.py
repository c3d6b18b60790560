"""How many processors there are for us."""

import os


def available_cores():
    """The cores that this process may use, which in a container or a batch job are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_cpu(threads):
    """The CPU as a device, in words: "cpu (2 threads of 8 cores)"."""
    return f"cpu ({threads} threads of {os.cpu_count()} cores)"
