"""The nearest of many vectors: exactly with NumPy, or by usearch's graph where there are very many.

A similarity is the inner product of two vectors where the metric is cosine, and 1 less half of the squared distance
where it is l2: for vectors of length 1 these are one number.
"""

import numpy as np

from trizoo.ground.errors import UserError

MOST_EXACT = 100_000  # vectors that are searched one by one unless somebody wants otherwise
_BLOCK = 1 << 25  # similarities at once: 128 MiB
_DECIMALS = 6  # sums in another order differ behind these
_LIBRARY = "usearch isn't installed, which searches {count:,} vectors; pip install 'trizoo[gallery]' brings it"
NONE = -1  # the key of no vector


class ExactIndex:
    """Looks at every vector. Equal similarities are in the order in which the vectors came.

    Args:
        metric: "cosine" or "l2"
    """

    exact = True

    def __init__(self, metric="cosine"):
        self.metric, self.keys, self.vectors = metric, np.zeros(0, np.int64), None

    def __len__(self):
        return len(self.keys)

    def add(self, keys, vectors):
        """Adds vectors float32 (N, D) under numbers int64 (N,)."""
        self.keys = np.concatenate([self.keys, keys])
        self.vectors = np.array(vectors) if self.vectors is None else np.concatenate([self.vectors, vectors])

    def remove(self, keys):
        """Removes the vectors of these numbers."""
        kept = ~np.isin(self.keys, keys)
        self.keys, self.vectors = self.keys[kept], self.vectors[kept]

    def search(self, queries, count):
        """The nearest of each query: float32 (Q, D) -> similarities float32 (Q, count), keys int64 (Q, count).

        The most similar first. Where there are fewer vectors than asked for, -inf and NONE stand in their places.
        """
        similarities = np.full((len(queries), count), -np.inf, np.float32)
        keys = np.full((len(queries), count), NONE, np.int64)
        if not len(self) or not len(queries):
            return similarities, keys
        most = min(count, len(self))
        for start, found in self.blocks(queries):
            least = np.partition(found, -most, axis=1)[:, -most]
            for place, (of_query, smallest) in enumerate(zip(found, least, strict=True), start=start):
                best = np.flatnonzero(of_query >= smallest)
                best = best[np.argsort(-of_query[best], kind="stable")][:most]
                similarities[place, :most], keys[place, :most] = of_query[best], self.keys[best]
        return similarities, keys

    def blocks(self, queries):
        """Yields (place of the first query, similarities float32 (Q, N) to all vectors), some queries at once."""
        rows = max(1, _BLOCK // max(1, len(self)))
        squares = np.square(self.vectors).sum(1) if self.metric == "l2" else None
        for start in range(0, len(queries), rows):
            block = queries[start : start + rows]
            found = block @ self.vectors.T  # (Q, D) @ (D, N) -> (Q, N)
            if squares is not None:
                found = 1 - np.maximum(np.square(block).sum(1)[:, None] + squares - 2 * found, 0) / 2
            yield start, np.round(found, _DECIMALS, out=found)


class ApproximateIndex:
    """A graph of near neighbours (HNSW: Malkov and Yashunin, arXiv:1603.09320), by usearch. See `ExactIndex`.

    Vectors are added and removed without a rebuild. Raises UserError where usearch isn't installed.
    """

    exact = False

    def __init__(self, metric="cosine", dimensions=128, expected=0):
        try:
            from usearch.index import Index  # here, since few galleries need it
        except ImportError:
            raise UserError(_LIBRARY.format(count=expected)) from None
        self.metric = metric
        kind = "ip" if metric == "cosine" else "l2sq"
        # 128 looked at per search and per addition: recall above 0.95 on vectors without any structure
        self._index = Index(ndim=dimensions, metric=kind, dtype="f32", expansion_add=128, expansion_search=256)

    def __len__(self):
        return len(self._index)

    def add(self, keys, vectors):
        """See `ExactIndex.add`."""
        self._index.add(np.asarray(keys, np.uint64), np.ascontiguousarray(vectors, np.float32))

    def remove(self, keys):
        """See `ExactIndex.remove`."""
        self._index.remove(np.asarray(keys, np.uint64))

    def search(self, queries, count):
        """See `ExactIndex.search`."""
        similarities = np.full((len(queries), count), -np.inf, np.float32)
        keys = np.full((len(queries), count), NONE, np.int64)
        if not len(self) or not len(queries):
            return similarities, keys
        found = self._index.search(np.ascontiguousarray(queries, np.float32), min(count, len(self)))
        there = np.atleast_2d(found.keys)
        distances = np.atleast_2d(found.distances)
        width = there.shape[1]
        similarities[:, :width] = 1 - (distances if self.metric == "cosine" else distances / 2)
        keys[:, :width] = there.astype(np.int64)
        return similarities, keys


def make_index(gallery, exact=None):
    """The index of a gallery's vectors, by its `keys`.

    Args:
        exact: whether every vector is looked at; None: where there are at most MOST_EXACT

    Raises:
        UserError: where usearch is needed and isn't installed
    """
    exact = len(gallery) <= MOST_EXACT if exact is None else exact
    if exact:
        index = ExactIndex(gallery.metric)
    else:
        index = ApproximateIndex(gallery.metric, gallery.vectors.shape[1], len(gallery))
    if len(gallery):
        index.add(gallery.keys, gallery.vectors)
    return index


def recall(index, gallery, count=10, sample=200):
    """Which share of a gallery's exact nearest an index finds, over some of its own vectors.

    Args:
        count: how many nearest of each
        sample: how many vectors are asked for, evenly over the gallery
    """
    queries = gallery.vectors[:: max(1, len(gallery) // sample)][:sample]
    exact = make_index(gallery, exact=True)
    (_, wanted), (_, found) = exact.search(queries, count), index.search(queries, count)
    hits = [len(np.intersect1d(one, other)) for one, other in zip(wanted, found, strict=True)]
    return sum(hits) / wanted.size
