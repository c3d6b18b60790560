"""Running out of memory."""

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory was too small."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
