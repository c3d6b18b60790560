"""Running out of memory."""

import tensorflow as tf


def is_out_of_memory(error):
    """Whether an exception means that memory was too small."""
    return isinstance(error, tf.errors.ResourceExhaustedError)
