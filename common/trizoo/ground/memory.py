"""Memory: how much there is, keeping it on the CPU, and saying so where it is too small."""

import contextlib
import ctypes
import os
import re
import sys
from pathlib import Path

from trizoo.ground.errors import UserError

try:
    import resource
except ImportError:  # Windows
    resource = None

# numbers of glibc's <malloc.h>
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD = 256 << 20


def keep_freed_memory():
    """Asks glibc to keep what arrays free for the next ones, instead of handing it back to the system each time.

    Tensors on the CPU come straight from malloc, and every step the system would clear hundreds of megabytes of fresh
    pages: in PyTorch a training step of YOLOv3-tiny takes about 1.6 times as long (docs/results.md). Where the C
    library isn't glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD)):
            library.mallopt(option, value)


def give_back_freed_memory():
    """Hands what was freed back to the system, once, also where `keep_freed_memory` has it kept.

    Where the C library isn't glibc nothing happens.
    """
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)


def available_memory(root=Path("/"), unfilled=0):
    """Bytes that this process can have in all, what it has now included; None where the system doesn't say.

    The least of what the system has left, of what its control groups (containers, batch jobs) leave it, and of what its
    limit of addresses (`ulimit -v`) does.

    Args:
        root: the folder in which /proc and /sys are
        unfilled: addresses that a framework takes while it trains, and never fills; only a limit of these counts them
    """
    status = _kilobytes(root / "proc/self/status")
    left = [*_of_system(root), *_of_groups(root), *_of_addresses(status.get("VmSize", 0) + unfilled)]
    return max(0, min(left)) + status.get("VmRSS", 0) if left else None


def _of_system(root):
    """What the system has left, all that it has where it doesn't say."""
    if "MemAvailable" in (known := _kilobytes(root / "proc/meminfo")):
        return [known["MemAvailable"]]
    names = getattr(os, "sysconf_names", {})
    return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")] if "SC_PHYS_PAGES" in names else []


def _of_groups(root):
    """What each control group that has a limit, ours and those around it, leaves."""
    for line in _text(root / "proc/self/cgroup").splitlines():  # version 2: "0::/path"; version 1: "4:memory:/path"
        number, controllers, path = line.split(":", 2)
        if number == "0":
            folder, limit, used, cache = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            folder, limit, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        inner = folder / path.lstrip("/")
        for place in (inner, *inner.parents):
            if place.is_relative_to(folder) and None not in (
                most := _number(place / limit),
                now := _number(place / used),
            ):
                yield most - now + _fields(place / "memory.stat").get(cache, 0)  # files' pages give way


def _of_addresses(mapped):
    """What RLIMIT_AS leaves of addresses, but for those that `keep_freed_memory` asks for ahead."""
    if resource is None:
        return []
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if most == resource.RLIM_INFINITY else [most - mapped - TOP_PAD]


def _kilobytes(path):
    """{name: bytes} of the lines "name: N kB" of a file, none where it isn't there."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", _text(path), re.MULTILINE)
    return {name: int(number) << 10 for name, number in found}


def _fields(path):
    """{name: number} of the lines "name N" of a file, none where it isn't there."""
    lines = _text(path).splitlines()
    return {name: int(number) for name, _, number in (line.partition(" ") for line in lines) if number.isdecimal()}


def _number(path):
    """The number in a file, None where it isn't there or holds another word, as "max"."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path):
    """A file's text, none where it isn't there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


class TooLittleMemoryError(UserError):
    """Memory is too small for a training step.

    Args:
        images: how many it is of
        size: their (width, height)
    """

    def __init__(self, images, size):
        self.images = images
        self.size = size
        super().__init__(
            f"memory is too small for {images} images of {size[0]}x{size[1]} at once; half the --batch-size, a smaller "
            f"--input-size or --set schedule.accumulate=2 would need less"
        )


@contextlib.contextmanager
def explain_out_of_memory(images, is_out_of_memory, training=False):
    """Within it, running out of memory on images (B, H, W, 3) is a UserError that says what would need less.

    Args:
        is_out_of_memory: whether an exception of the framework means that
        training: whether it is a step, which a TooLittleMemoryError tells
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, MemoryError) and not is_out_of_memory(error):
            raise
        count, height, width = images.shape[:3]
        if training:
            raise TooLittleMemoryError(count, (width, height)) from error
        raise UserError(
            f"memory is too small for {count} images of {width}x{height} at once; a smaller --batch-size or "
            f"--input-size would need less"
        ) from error
