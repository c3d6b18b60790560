"""A gallery: vectors of pictures with their names, in an order that doesn't depend on when they came."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from trizoo.data.class_names import class_name
from trizoo.ground.errors import UserError
from trizoo.ground.text import hint

METRICS = ("cosine", "l2")
DIGEST = 32  # bytes of SHA-256
# what is said of the model that made the vectors: vectors of another one mean nothing beside them
EMBEDDING = ("model", "sha256", "input_size", "resize")


@dataclass(frozen=True)
class Entry:
    """A picture of a gallery.

    Args:
        name: whose picture it is
        path: where it was, for a person
        digest: SHA-256 of its bytes
        vector: float32 (D,)
    """

    name: str
    path: str
    digest: bytes
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class Gallery:
    """Vectors with names. Row r is a picture; rows are sorted by name, path and content.

    So pictures that are added to a gallery give the same one as all of them at once. A picture, by its content, is
    there once under a name.

    Args:
        embedding: what made the vectors: {key: value} of EMBEDDING
        vectors: float32 (N, D), of length 1 where the metric is cosine
        names, paths: text of each row
        digests: uint8 (N, 32), SHA-256 of each row's picture
        metric: one of METRICS
        threshold: the least similarity by which a name is believed, None where nobody said
        chosen: whether a person said so, so that it stays as pictures come and go
        turned: whether vectors are those of `trizoo.gallery.turned.Turned`
    """

    embedding: dict[str, Any]
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    digests: np.ndarray = field(default_factory=lambda: np.zeros((0, DIGEST), np.uint8))
    metric: str = "cosine"
    threshold: float | None = None
    chosen: bool = False
    turned: bool = False

    def __len__(self):
        return len(self.names)

    @property
    def counts(self):
        """{name: how many pictures}, by the alphabet."""
        counts = {}
        for name in self.names:
            counts[name] = counts.get(name, 0) + 1
        return counts

    @property
    def keys(self):
        """int64 (N,): a number for each row that stays the same whatever is added or removed."""
        pairs = zip(self.names, self.digests, strict=True)
        found = [hashlib.sha256(name.encode() + b"\0" + digest.tobytes()).digest()[:8] for name, digest in pairs]
        return np.frombuffer(b"".join(found), "<i8") & np.int64(2**63 - 1)

    def holds(self, name, digest):
        """Whether the picture of these bytes is there under that name."""
        return (name, digest) in self._known

    def joined(self, entries):
        """The gallery with further `Entry`s; one that it holds already stays as it is.

        Raises:
            UserError: for vectors of another length than the gallery's
            ValueError: for vectors that aren't finite
        """
        known, new = set(self._known), []
        for entry in entries:
            if (entry.name, entry.digest) not in known:
                known.add((entry.name, entry.digest))
                new.append(entry)
        if not new:
            return self
        vectors = np.stack([np.asarray(entry.vector, np.float32) for entry in new])
        if vectors.ndim != 2:
            raise ValueError(f"vectors are {vectors.shape}; (N, D) is needed")
        self.check_length(vectors.shape[1])
        if not np.isfinite(vectors).all():
            raise ValueError("vectors hold nan or infinity; finite numbers are needed")
        vectors = unit(vectors) if self.metric == "cosine" else vectors
        names = (*self.names, *(entry.name for entry in new))
        paths = (*self.paths, *(entry.path for entry in new))
        digests = np.concatenate(
            [self.digests, np.frombuffer(b"".join(entry.digest for entry in new), np.uint8).reshape(-1, DIGEST)]
        )
        vectors = np.concatenate([self.vectors, vectors]) if len(self) else vectors
        order = sorted(range(len(names)), key=lambda row: (names[row], paths[row], digests[row].tobytes()))
        return self._of(order, vectors, names, paths, digests)

    def without(self, names):
        """The gallery less all pictures of these names. Raises UserError for a name that it doesn't hold."""
        there, names = self.counts, [*map(class_name, names)]
        for name in names:
            if name not in there:
                raise UserError(f"the gallery holds no picture of {name!r}{hint(name, there)}")
        gone = set(names)
        return self._of([row for row, name in enumerate(self.names) if name not in gone])

    def check_embedding(self, embedding, called="the gallery"):
        """UserError where vectors of another model, or of one that sees pictures otherwise, are to be held against it.

        Args:
            embedding: as the argument of that name
            called: what the sentence calls the gallery
        """
        for key in EMBEDDING:
            if self.embedding[key] != embedding[key]:
                what = "of other weights" if key == "sha256" else f"of {key.replace('_', ' ')} {self.embedding[key]}"
                here = "these weights" if key == "sha256" else str(embedding[key])
                raise UserError(
                    f"{called} holds vectors {what} ({self.embedding['model']}), which can't be compared with those of "
                    f"{here}; the weights that built it are needed, or build it anew with trizoo gallery build"
                )

    def check_length(self, length):
        """UserError where the gallery has vectors of another length."""
        if len(self) and self.vectors.shape[1] != length:
            raise UserError(
                f"the gallery holds vectors of {self.vectors.shape[1]} numbers, and the embedding gives {length}; the "
                f"weights that built it are needed"
            )

    @cached_property
    def _known(self):
        return set(zip(self.names, map(np.ndarray.tobytes, self.digests), strict=True))

    def _of(self, rows, vectors=None, names=None, paths=None, digests=None):
        """The gallery of some rows, of these arrays or its own."""
        names, paths = names or self.names, paths or self.paths
        return replace(
            self,
            vectors=(self.vectors if vectors is None else vectors)[rows],
            names=tuple(names[row] for row in rows),
            paths=tuple(paths[row] for row in rows),
            digests=(self.digests if digests is None else digests)[rows],
        )


def unit(vectors):
    """Vectors of length 1: float32 (N, D) -> (N, D); one of zeros stays so. Each by itself, whatever is beside it."""
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(1, keepdims=True))
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
