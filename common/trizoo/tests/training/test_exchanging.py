"""What processes tell each other goes by bytes."""

import numpy as np

from trizoo.training import exchanging
from trizoo.training.exchanging import Exchanging, from_words, tells_of, to_words
from trizoo.training.world import World


class Told(Exchanging):
    """One of several processes of which the others' bytes are known."""

    def exchange(self, data):
        return [data if rank == self.rank else self.others for rank in range(self.size)]


def told(rank, others):
    world = Told(rank, 2)
    object.__setattr__(world, "others", others)
    return world


def test_what_processes_tell_each_other_goes_by_bytes():
    arrays = {"a": np.arange(3, dtype=np.float32), "b": np.zeros((0, 2), np.uint8)}
    sent = []
    first, second = told(0, b"0"), told(1, b"0")
    assert [first.any(True), second.any(True), first.any(False), told(0, b"1").any(False)] == [True, True, False, True]
    assert first.of_first({"x": [1]}) == {"x": [1]}
    assert told(1, b'{"x": [1]}').of_first(None) == {"x": [1]}

    class Sending(Told):
        def exchange(self, data):
            sent.append(data)
            return [b"", data]

    assert Sending(1, 2).gather(arrays) == []
    ours, theirs = told(0, sent[0]).gather({"c": arrays["a"]})
    assert ours.keys() == {"c"}
    for found in (theirs, told(1, sent[0]).arrays_of_first({})):
        assert found.keys() == arrays.keys()
        assert all(
            np.array_equal(found[name], array) and found[name].dtype == array.dtype for name, array in arrays.items()
        )
    assert told(0, b"").arrays_of_first(arrays) is arrays


def test_bytes_of_any_number_are_words_and_bytes_again():
    sent = [b"", b"1", b"12345678", b"", b"123456789"]
    words = [to_words(data) for data in sent]
    assert [len(array) for array in words] == [0, 1, 2, 0, 3]
    assert from_words(np.array([len(data) for data in sent], np.int32), np.concatenate(words)) == sent


class Store:
    """PyTorch's store, of one process."""

    def __init__(self, *keys):
        self.counts = dict.fromkeys(keys, 1)

    def check(self, keys):
        return all(key in self.counts for key in keys)

    def set(self, key, value):
        self.counts[key] = value

    def add(self, key, count):
        self.counts[key] = self.counts.get(key, 0) + count
        return self.counts[key]


class Gone:
    """A store that went with the process that had it."""

    def check(self, keys):
        raise RuntimeError("Broken pipe")


def test_an_error_is_told_by_the_first_if_it_met_it_else_by_who_did_and_never_by_nobody(monkeypatch):
    monkeypatch.setattr(exchanging, "MEETING", 0)
    first, second = World(0, 2), World(1, 2)
    assert tells_of(Store("met 1"), first)
    assert not tells_of(Store("met 0"), second)
    assert tells_of(Store(), second)
    assert not tells_of(Store("told"), first)
    assert tells_of(Gone(), second)


class Watched(Store):
    """A store in which another process leaves when the first looks for it the third time."""

    looks = 0

    def check(self, keys):
        self.looks += "left 1" in keys
        if self.looks == 3:
            self.counts["left 1"] = ""
        return super().check(keys)


def test_the_first_which_has_the_store_leaves_when_all_have_looked_whether_it_tells(monkeypatch):
    monkeypatch.setattr(exchanging, "PAUSE", 0)
    store = Watched("met 1")
    assert tells_of(store, World(0, 2))
    assert store.looks == 3
