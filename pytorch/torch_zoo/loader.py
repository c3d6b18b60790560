"""PyTorch's DataLoader over the zoo's batches."""

import multiprocessing
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from trizoo.ground.errors import UserError
from trizoo.training.batch import Batch, BatchPlan
from trizoo.training.workers import begin, worker_was_killed


class _Flag:
    """The event by which a DataLoader ends its workers, without a lock.

    A worker that is killed while it holds the lock of `multiprocessing.Event` leaves who looks at it waiting for ever.
    """

    def __init__(self, context: multiprocessing.context.BaseContext) -> None:
        self.value = context.RawValue("b", 0)

    def set(self) -> None:
        self.value.value = 1

    def is_set(self) -> bool:
        return self.value.value == 1


def _processes() -> multiprocessing.context.BaseContext:
    """The way in which this Python starts processes, with such events."""
    usual = type(multiprocessing.get_context())
    return type(usual.__name__, (usual,), {"Event": lambda context: _Flag(context)})()


class _Batches(Dataset):
    """A map from batch plans to batches. A user's error travels as a value: raised in a worker it loses its form."""

    def __init__(self, make_batch: Callable[[BatchPlan], Batch]) -> None:
        self.make_batch = make_batch

    def __getitem__(self, plan: BatchPlan) -> Batch | UserError:
        try:
            return self.make_batch(plan)
        except UserError as error:
            return error


def load(
    make_batch: Callable[[BatchPlan], Batch], plans: Iterable[BatchPlan], workers: int, device: torch.device
) -> Iterator[Batch]:
    """Yields the batches of the plans in order, as tensors: made by worker processes, pinned where a GPU waits.

    Args:
        make_batch: plan -> batch
        plans: BatchPlans
        workers: how many processes, 0 for none beside this one
        device: that waits for them

    Raises:
        UserError: for what is wrong with the data, and where a worker is killed
    """
    with warnings.catch_warnings():  # of more workers than cores: training says so itself, once, in any framework
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        loader = DataLoader(
            _Batches(make_batch),
            sampler=plans,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=2 if workers else None,
            multiprocessing_context=_processes() if workers else None,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),
            worker_init_fn=_start,
        )
        batches = _start_quietly(loader)
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise UserError(worker_was_killed("memory or /dev/shm")) from error
        if isinstance(batch, UserError):
            raise batch
        yield batch


def _start_quietly(loader: DataLoader) -> Iterator:
    """A loader's batches, without the handler by which PyTorch raises a worker's death in whatever is being done.

    `next` finds it within seconds, while a handler's error would seem to be the checkpoint's that is just written.
    """
    if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
        return iter(loader)
    earlier = signal.getsignal(signal.SIGCHLD)
    try:
        return iter(loader)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if earlier is None else earlier)


def _start(_: int) -> None:
    begin()
