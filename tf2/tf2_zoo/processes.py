"""Several processes, one on each machine, that train one model: a tf.distribute strategy of TF_CONFIG's workers."""

import functools
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from trizoo.ground.errors import UserError
from trizoo.training.exchanging import Exchanging, from_words, to_words
from trizoo.training.meeting import meet_all
from trizoo.training.world import ENDED, started

_GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


@contextmanager
def heard():
    """UserError where another process can't be reached any more."""
    try:
        yield
    except _GONE as error:
        if started().size == 1:
            raise
        raise UserError(ENDED) from error


@dataclass(frozen=True)
class Workers(Exchanging):
    """See `trizoo.training.world.World`.

    Args:
        strategy: the tf.distribute.MultiWorkerMirroredStrategy of all of them
    """

    strategy: Any = None

    def exchange(self, data):
        """See `Exchanging.exchange`: by the first device, as int32, which TensorFlow gathers."""
        words, count = to_words(data), len(self.strategy.extended.worker_devices)

        def of_one(context):
            own = context.replica_id_in_sync_group % count == 0
            return tf.constant([len(data) if own else 0], tf.int32), tf.constant(words if own else words[:0])

        with heard(), tf.device("/CPU:0"):
            parts = self.strategy.experimental_distribute_values_from_function(of_one)
            sizes, everything = (tensor.numpy() for tensor in _gather(self.strategy)(*parts))
        return from_words(sizes, everything)[::count]


@functools.cache
def _gather(strategy):
    """A function of int32 arrays of each device: those of all behind one another."""

    def gather(*arrays):
        context = tf.distribute.get_replica_context()
        return [context.all_gather(tf.identity(array), axis=0) for array in arrays]

    @tf.function(reduce_retracing=True, autograph=False)
    def run(*arrays):
        return [strategy.experimental_local_results(whole)[0] for whole in strategy.run(gather, arrays)]

    return run


@functools.cache
def world():
    """The processes that TF_CONFIG tells of, once all have met. Raises UserError where that fails."""
    found = started("TF_CONFIG", "TensorFlow")
    if found.size == 1:
        return found
    meet_all(found)
    with heard():
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))  # which TensorFlow has made its own
    return Workers(found.rank, found.size, found.local_size, found.local_rank, found.told_by, strategy)
