"""Many short texts in two arrays: a quarter of the memory of a list, and shared by processes that map one file."""

from collections.abc import Sequence

import numpy as np


class Texts(Sequence):
    """A sequence of texts.

    Args:
        letters: uint8 (B,), all of them in UTF-8
        ends: int64 (N,), where each ends
    """

    def __init__(self, letters, ends):
        self.letters, self.ends = letters, ends

    @classmethod
    def of(cls, texts):
        """The same texts, packed; names of files that are no UTF-8 too."""
        encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        first = self.ends[index - 1] if index else 0
        return bytes(self.letters[first : self.ends[index]]).decode("utf-8", "surrogateescape")


class Chosen(Sequence):
    """Some of a sequence's items, looked up when they are asked for.

    Args:
        items: a sequence
        places: int64 (N,)
    """

    def __init__(self, items, places):
        self.items, self.places = items, places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self.items[place] for place in self.places[index].tolist()]
        return self.items[int(self.places[index])]

    def __eq__(self, other):
        return list(self) == list(other)

    __hash__ = None
