"""One process that trains on several devices: how many, and what it can't do there."""

import math

from trizoo.ground.errors import UserError
from trizoo.training.specs import check_model


def spread(framework, device, recipe, say):
    """The framework's device, or several that share each batch equally, which `say` then tells; and how many."""
    schedule = recipe.schedule
    sizes = (schedule.batch_size, recipe.freeze.batch_size or schedule.batch_size)
    devices, count = framework.spread(device, math.gcd(*sizes) // schedule.accumulate)
    if count > 1:
        check_model(recipe, count)
        say(f"devices: {count} {share_each_batch(recipe)}")
    return devices, count


def share_each_batch(recipe):
    """The end of a sentence on several devices or processes that share batches."""
    norms = "batch norms go by the whole of it" if recipe.sync_batch_norm else "each one's batch norms go by its share"
    return f"share each batch of {recipe.schedule.batch_size}; {norms}"


def check_worker(device, names, images):
    """UserError where a process that shares batches with others can't take the devices that it has.

    Args:
        device: TensorFlow's name of the one that was asked for
        names: of all that it has
        images: that its share of each part of a batch has
    """
    kind = "GPU" if "GPU" in names[0] else "CPU"
    if kind not in device.upper() or device.partition(":")[2] not in ("", "0"):
        raise UserError(
            f"{device.strip('/')} was asked for, and one of several processes takes all {kind}s of its machine; "
            f"CUDA_VISIBLE_DEVICES before the command says which"
        )
    if images % len(names):
        raise UserError(
            f"each process has {images} images of a part of a batch, which its {len(names)} {kind}s can't share "
            f"equally; another --batch-size, or CUDA_VISIBLE_DEVICES before the command, would do"
        )


def check_compiles(recipe):
    """UserError for a step to be compiled, where several devices of TensorFlow take it."""
    if recipe.compile:
        raise UserError(
            "--compile was asked for, and TensorFlow compiles a step for one device alone; leave it out, or "
            "CUDA_VISIBLE_DEVICES=0 before the command takes one GPU"
        )


def check_own_statistics(recipe):
    """UserError for batch norms of each device's own, where several devices of Keras on JAX take a step."""
    if not recipe.sync_batch_norm:
        raise UserError(
            "sync_batch_norm is false, and Keras on JAX takes one step of the whole batch, by which batch norms go; "
            "leave it out, or CUDA_VISIBLE_DEVICES=0 before the command takes one GPU"
        )


def check_fp16(recipe):
    """UserError for fp16, where several devices of Keras on TensorFlow take a step."""
    if recipe.precision == "fp16":
        raise UserError(
            "precision is fp16, which Keras on TensorFlow takes on one device alone; --precision bf16, or "
            "CUDA_VISIBLE_DEVICES=0 before the command, would do"
        )
