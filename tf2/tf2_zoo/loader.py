"""tf.data over the zoo's batches."""

from collections import deque

import tensorflow as tf

from trizoo.ground.errors import UserError
from trizoo.training.batch import Batch
from trizoo.training.workers import AHEAD, Workers


def load(make_batch, plans, workers, device):
    """Yields the batches of the plans in order, as tensors: made by worker processes, copied to the device ahead.

    Args:
        make_batch: plan -> batch
        plans: BatchPlans
        workers: how many processes, 0 for none beside this one
        device: that they are copied to

    Raises:
        UserError: for what is wrong with the data, and where a worker is killed
    """
    pool = Workers(make_batch, workers)
    batches = pool.batches(plans)
    notes, failures = deque(), []
    try:
        first = next(batches, None)
        if first is None:
            return

        def generate():
            """Images and targets in tf.data's thread; what isn't a tensor goes past it, in the same order."""
            batch = first
            try:
                while batch is not None:
                    notes.append((batch.ids, batch.step))
                    yield batch.images, batch.targets
                    batch = next(batches, None)
            except UserError as error:  # TensorFlow would give it another form
                failures.append(error)

        dataset = tf.data.Dataset.from_generator(
            generate,
            output_signature=(_signature(first.images), {name: _signature(a) for name, a in first.targets.items()}),
        )
        for images, targets in _ahead(dataset, str(device)):
            ids, step = notes.popleft()
            yield Batch(images, targets, ids, step)
        if failures:
            raise failures[0]
    finally:
        pool.close()


def _signature(array):
    """Any size of an array's rank and type."""
    return tf.TensorSpec((None,) * array.ndim, array.dtype)


def _ahead(dataset, device):
    if "GPU" in device:
        return dataset.apply(tf.data.experimental.prefetch_to_device(device, AHEAD))
    return dataset.prefetch(AHEAD)
