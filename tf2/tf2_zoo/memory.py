"""How much memory there is, and running out of it."""

import tensorflow as tf
from tensorflow.python.client import device_lib

from trizoo.ground.memory import available_memory

_UNFILLED = 1 << 30  # addresses of threads and their heaps, by measurement


def is_out_of_memory(error):
    """Whether an exception means that memory was too small."""
    return isinstance(error, tf.errors.ResourceExhaustedError)


def memory_of(device):
    """See `trizoo.framework.Framework.memory_of`."""
    if device == "/CPU:0":
        return available_memory(unfilled=_UNFILLED)
    name = f"/device:{device.strip('/')}"
    return next((known.memory_limit for known in device_lib.list_local_devices() if known.name == name), None)
