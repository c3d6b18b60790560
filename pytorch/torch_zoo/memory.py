"""How much memory there is, and running out of it."""

import torch

from trizoo.ground.memory import available_memory

# of PyTorch's allocator on a CPU, of C++'s, of NVIDIA's libraries
_SIGNS = ("can't allocate memory", "bad_alloc", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory was too small."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS)


def memory_of(device: torch.device) -> int | None:
    """See `trizoo.framework.Framework.memory_of`."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return available_memory()
