"""Several processes that train one model, in each backend's own way: who they are, and sums over what each has.

On TensorFlow there is one on each machine, and a tf.distribute strategy of all workers that TF_CONFIG names; on PyTorch
one for each device, under torchrun. On JAX a process trains alone.
"""

import functools
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import keras

from trizoo.ground.errors import UserError
from trizoo.training.exchanging import Exchanging, from_words, tells_of, to_words
from trizoo.training.meeting import meet_all
from trizoo.training.world import ENDED, alone, by_torchrun, int_or_none, started

_BACKEND = keras.backend.backend()
_WAYS = {"tensorflow": ("TF_CONFIG", "TensorFlow"), "torch": ("torchrun", "PyTorch")}
OF_PYTORCH = []  # its `Processes`, where there are several: what a compiled step may look at, unlike `world`
PATIENCE = timedelta(days=7)  # for the first's part of an evaluation; a process that ends is noticed at once


@contextmanager
def heard():
    """UserError where another process can't be reached any more."""
    try:
        yield
    except (RuntimeError, _tensorflow_error()) as error:
        if started().size == 1 or not _is_of_others(error):
            raise
        raise UserError(ENDED) from error


def _tensorflow_error():
    """TensorFlow's own kind of error, on another backend RuntimeError."""
    if _BACKEND != "tensorflow":
        return RuntimeError
    import tensorflow as tf

    return tf.errors.OpError


def _is_of_others(error):
    if _BACKEND != "tensorflow":
        return "gloo" in str(error).lower() or "nccl" in str(error).lower() or "connection" in str(error).lower()
    import tensorflow as tf

    gone = ("AbortedError", "CancelledError", "DeadlineExceededError", "InternalError", "UnavailableError")
    return isinstance(error, tuple(getattr(tf.errors, name) for name in gone))


@dataclass(frozen=True)
class Workers(Exchanging):
    """See `trizoo.training.world.World`.

    Args:
        strategy: the tf.distribute.MultiWorkerMirroredStrategy of all of them
    """

    strategy: Any = None

    def exchange(self, data):
        """See `Exchanging.exchange`: by the first device, as int32, which TensorFlow gathers."""
        import tensorflow as tf

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
    import tensorflow as tf

    def gather(*arrays):
        context = tf.distribute.get_replica_context()
        return [context.all_gather(tf.identity(array), axis=0) for array in arrays]

    @tf.function(reduce_retracing=True, autograph=False)
    def run(*arrays):
        return [strategy.experimental_local_results(whole)[0] for whole in strategy.run(gather, arrays)]

    return run


@dataclass(frozen=True)
class Processes(Exchanging):
    """See `trizoo.training.world.World`.

    Args:
        control: torch.distributed's group of all processes in which they talk by gloo
        store: of keys and values that all have, also while some are in a step
    """

    control: Any = None
    store: Any = None

    def exchange(self, data):
        """See `Exchanging.exchange`."""
        import torch
        from torch import distributed

        sizes = [torch.tensor([0]) for _ in range(self.size)]
        with heard():
            distributed.all_gather(sizes, torch.tensor([len(data)]), self.control)
            room = int(max(sizes))
            own = torch.frombuffer(bytearray(data) + bytes(room - len(data) + 1), dtype=torch.uint8)
            parts = [torch.empty_like(own) for _ in sizes]
            distributed.all_gather(parts, own, self.control)
        return [part.numpy()[: int(size)].tobytes() for part, size in zip(parts, sizes, strict=True)]

    def tells(self):
        """See `World.tells`."""
        return tells_of(self.store, self)

    def end(self, failed=False):
        """See `World.end`."""
        from torch import distributed

        if failed and distributed.get_backend() != "gloo":  # NCCL may wait for the others
            return
        distributed.destroy_process_group()
        OF_PYTORCH.clear()
        world.cache_clear()


@functools.cache
def world():
    """The processes that were started, once all have met. Raises UserError where that fails, or the backend can't."""
    if _BACKEND not in _WAYS:
        return alone("Keras on JAX")
    way, title = _WAYS[_BACKEND]
    found = started(way, f"Keras on {title}")
    told = (found.rank, found.size, found.local_size, found.local_rank, found.told_by)
    if found.size == 1:
        return found
    meet_all(found)
    with heard():
        if _BACKEND == "tensorflow":
            return Workers(*told, _strategy())
        OF_PYTORCH.append(Processes(*told, *_groups(found)))
        return OF_PYTORCH[0]


def _strategy():
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))  # which TensorFlow has made its own
    return strategy


def _groups(found):
    import torch
    from torch import distributed

    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
    store, *_ = next(iter(distributed.rendezvous("env://")))
    groups = distributed.PrefixStore("groups", store)
    distributed.init_process_group(backend, store=groups, rank=found.rank, world_size=found.size)
    return distributed.new_group(backend="gloo", timeout=PATIENCE), distributed.PrefixStore("errors", store)


def own_gpu(name, count):
    """The GPU of that name, or of several processes of a machine each its own. UserError where there are too few."""
    if _BACKEND != "torch" or not by_torchrun():
        return name
    number = int_or_none("LOCAL_RANK")
    if number >= count:
        raise UserError(
            f"LOCAL_RANK is {number} and the machine has GPUs for {count} processes; --nproc-per-node {count} or "
            f"--device cpu would do"
        )
    return f"cuda:{number}"


@functools.cache
def _operations():
    """PyTorch's sums over all processes, and what they have behind one another; the gradients are sums, too."""
    import torch
    from torch import distributed

    def total(tensor):
        tensor = tensor.clone()
        distributed.all_reduce(tensor)
        return tensor

    class Total(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            return total(tensor)

        @staticmethod
        def backward(ctx, gradient):
            return total(gradient)

    class Gathered(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            parts = [torch.empty_like(tensor) for _ in range(world().size)]
            distributed.all_gather(parts, tensor.contiguous())
            return torch.cat(parts)

        @staticmethod
        def backward(ctx, gradient):
            return total(gradient).chunk(world().size)[world().rank]

    return Total.apply, Gathered.apply


def total(tensors):
    """The sums over PyTorch's processes of tensors of one type, all at once, as a list; gradients go through."""
    whole = _operations()[0](keras.ops.concatenate([tensor.flatten() for tensor in tensors]))
    sums = whole.split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(sums, tensors, strict=True)]


def gathered(tensor):
    """What PyTorch's processes have, behind one another: (B, ...) -> (n * B, ...); gradients go through."""
    return _operations()[1](tensor)
