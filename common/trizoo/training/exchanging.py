"""What processes that train one model tell each other, where a framework can but exchange bytes."""

import io
import json
import time
from contextlib import suppress

import numpy as np

from trizoo.ground.text import to_json
from trizoo.training.world import World

MEETING = 3.0  # seconds within which all have met an error, or it is of some alone
PAUSE = 0.05  # seconds between two looks


class Exchanging(World):
    """A World by one operation that a framework has to give: bytes of every process to every process."""

    def exchange(self, data):
        """The bytes of every process, by rank -> list; each waits for all."""
        raise NotImplementedError

    def any(self, flag):
        """See `World.any`."""
        return b"1" in self.exchange(b"1" if flag else b"0")

    def of_first(self, value):
        """See `World.of_first`."""
        told = self.exchange(to_json(value).encode() if self.is_first else b"")[0]
        return value if self.is_first else json.loads(told)

    def arrays_of_first(self, arrays):
        """See `World.arrays_of_first`."""
        told = self.exchange(_to_npz(arrays) if self.is_first else b"")[0]
        return arrays if self.is_first else _from_npz(told)

    def gather(self, arrays):
        """See `World.gather`."""
        told = self.exchange(b"" if self.is_first else _to_npz(arrays))
        return [arrays, *map(_from_npz, told[1:])] if self.is_first else []

    def tells(self):
        """Every process, for none knows what the others have met."""
        return True


def tells_of(store, world):
    """`World.tells` by a store that all have: the first, where it meets an error soon enough, else whoever has met one.

    Args:
        store: of PyTorch's: check(keys) says whether all are there, set(key, value), add(key, count) gives the sum
        world: of the processes
    """
    until, tells = time.monotonic() + MEETING, True
    met, left = ([f"{what} {rank}" for rank in range(world.size)] for what in ("met", "left"))
    with suppress(RuntimeError):  # the store goes with the process, or machine, that has it
        tells = _tells(store, world, met, until)
        store.set(left[world.rank], "")
        if world.is_first:
            _wait(store, left, until)
    return tells


def _tells(store, world, met, until):
    if store.check(["told"]):
        return False
    store.set(met[world.rank], "")
    _wait(store, met, until)
    if not world.is_first and store.check(met[:1]):
        return False
    return store.add("told", 1) == 1


def _wait(store, keys, until):
    while not store.check(keys) and time.monotonic() < until:
        time.sleep(PAUSE)


def to_words(data):
    """Bytes as int32, filled up to a whole word: what frameworks gather that gather no bytes."""
    return np.frombuffer(data + bytes(-len(data) % 4), np.int32)


def from_words(sizes, words):
    """The inverse of `to_words`, of what is behind one another -> list of bytes.

    Args:
        sizes: of each in bytes, int (N,)
        words: of all, int32
    """
    ends = (-(-sizes // 4)).cumsum()
    parts = np.split(words, ends[:-1])
    return [part.tobytes()[:size] for part, size in zip(parts, sizes, strict=True)]


def _to_npz(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _from_npz(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
