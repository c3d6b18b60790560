"""One process that trains on several devices: how many, and what it can't do there."""

import math

from trizoo.ground.errors import UserError


def spread(framework, device, recipe, say):
    """The framework's device, or several that share each batch equally, which `say` then tells; and how many."""
    schedule = recipe.schedule
    sizes = (schedule.batch_size, recipe.freeze.batch_size or schedule.batch_size)
    devices, count = framework.spread(device, math.gcd(*sizes) // schedule.accumulate)
    if count > 1:
        say(f"devices: {count} share each batch of {schedule.batch_size}; batch norms go by the whole of it")
    return devices, count


def check_compiles(recipe):
    """UserError for a step to be compiled, where several devices of TensorFlow take it."""
    if recipe.compile:
        raise UserError(
            "--compile was asked for, and TensorFlow compiles a step for one device alone; leave it out, or "
            "CUDA_VISIBLE_DEVICES=0 before the command takes one GPU"
        )


def check_fp16(recipe):
    """UserError for fp16, where several devices of Keras on TensorFlow take a step."""
    if recipe.precision == "fp16":
        raise UserError(
            "precision is fp16, which Keras on TensorFlow takes on one device alone; --precision bf16, or "
            "CUDA_VISIBLE_DEVICES=0 before the command, would do"
        )
