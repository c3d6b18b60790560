"""Batches for Keras, which takes NumPy arrays as they are on every backend."""

from trizoo.training.workers import batches


def load(make_batch, plans, workers, device):
    """Yields the batches of the plans in order, as NumPy arrays: made by worker processes.

    Args:
        make_batch: plan -> batch
        plans: BatchPlans
        workers: how many processes, 0 for none beside this one
        device: of no account, since Keras itself copies the arrays to its own

    Raises:
        UserError: for what is wrong with the data, and where a worker is killed
    """
    return batches(make_batch, plans, workers)
