"""Mixed precision: what convolutions compute in, and the loss scale that fp16 needs."""

import tensorflow as tf

from tf2_zoo.layers import Conv2d, named_modules

DTYPES = {"fp32": tf.float32, "bf16": tf.bfloat16, "fp16": tf.float16}

# PyTorch's GradScaler's numbers
FIRST_SCALE = 2.0**16
FACTOR = 2.0
INTERVAL = 2000  # steps without overflow from one doubling to the next


def set_precision(model, precision):
    """Sets what the model's convolutions, and so nearly all of it, compute in.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    for _, module in named_modules(model):
        if isinstance(module, Conv2d):
            module.dtype = DTYPES[precision]


class LossScale:
    """A factor that keeps fp16's gradients from vanishing; halved after an overflow, doubled after a while without."""

    def __init__(self):
        self.value = tf.Variable(FIRST_SCALE)
        self.steps = tf.Variable(0)

    def scale(self, loss):
        """The loss to differentiate."""
        return loss * self.value

    def unscale(self, gradients):
        """The true gradients, and whether all of them are finite."""
        gradients = [gradient / self.value for gradient in gradients]
        return gradients, tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])

    def update(self, finite):
        """Adjusts the factor after a step whose gradients were finite, or weren't."""
        steps = tf.where(finite, self.steps + 1, 0)
        grown = tf.where(steps == INTERVAL, self.value * FACTOR, self.value)
        self.value.assign(tf.where(finite, grown, self.value / FACTOR))
        self.steps.assign(tf.where(steps == INTERVAL, 0, steps))

    def state(self):
        """See `trizoo.framework.Learner.state`."""
        return {"loss_scale": float(self.value.numpy()), "loss_scale_steps": int(self.steps.numpy())}

    def assign_state(self, state):
        """The inverse of `state`."""
        self.value.assign(state["loss_scale"])
        self.steps.assign(state["loss_scale_steps"])
