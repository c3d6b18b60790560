"""Memory: keeping it on the CPU, and saying so where it is too small."""

import contextlib
import ctypes
import sys

from trizoo.ground.errors import UserError

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


@contextlib.contextmanager
def explain_out_of_memory(images, is_out_of_memory):
    """Within it, running out of memory on images (B, H, W, 3) is a UserError that says what would need less.

    Args:
        is_out_of_memory: whether an exception of the framework means that
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        count, height, width = images.shape[:3]
        raise UserError(
            f"memory is too small for {count} images of {width}x{height} at once; half the --batch-size, or in "
            f"training a smaller --input-size or --set schedule.accumulate=2, would need less"
        ) from error
