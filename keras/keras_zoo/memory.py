"""How much memory there is, and running out of it."""

from trizoo.ground.memory import available_memory

_UNFILLED = 768 << 20  # addresses of threads and their heaps, by measurement
_SIGNS = ("RESOURCE_EXHAUSTED", "can't allocate memory", "CUDA out of memory")  # JAX's; PyTorch's, on CPU and on GPU
_TYPES = ("ResourceExhaustedError", "OutOfMemoryError")  # TensorFlow's, PyTorch's


def is_out_of_memory(error):
    """Whether an exception of any backend means that memory was too small."""
    return type(error).__name__ in _TYPES or any(sign in str(error) for sign in _SIGNS)


def memory_of(device):
    """See `trizoo.framework.Framework.memory_of`: of a GPU Keras doesn't say."""
    return available_memory(unfilled=_UNFILLED) if device.startswith("cpu") else None
