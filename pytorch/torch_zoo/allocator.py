"""Host memory for training on the CPU."""

import ctypes
import sys

# numbers of glibc's <malloc.h>
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD = 256 << 20


def keep_freed_memory():
    """Asks glibc to keep what tensors free for the next ones, instead of handing it back to the system each time.

    PyTorch's CPU tensors come straight from malloc, and every step the system would clear hundreds of megabytes of
    fresh pages anew: a training step of YOLOv3-tiny takes about 1.6 times as long (docs/results.md). Where
    the C library isn't glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD)):
            library.mallopt(option, value)
