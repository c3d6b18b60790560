"""Mixed precision: what layers compute in, and the loss scale that fp16 needs."""

import keras

from keras_zoo.layers import set_dtype

DTYPES = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"}  # names of Keras's policies

# PyTorch's GradScaler's numbers
FIRST_SCALE = 2.0**16
INTERVAL = 2000  # steps without overflow from one doubling to the next


def set_precision(model, precision):
    """Sets what the model's layers compute in. Its variables are float32 always.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    set_dtype(model, DTYPES[precision])


def with_loss_scale(optimizer):
    """The optimizer with a loss scale around it: halved after an overflow, doubled after a while without."""
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=FIRST_SCALE, dynamic_growth_steps=INTERVAL)
