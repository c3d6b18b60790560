"""By which similarity a name is believed: what the pictures of a gallery say of one another."""

from dataclasses import dataclass, replace

import numpy as np

from trizoo.gallery.index import make_index
from trizoo.metrics.embedding import best_threshold

DEFAULT = 0.5  # where a gallery says nothing; unit vectors of unrelated things are near 0
_MOST = 1000  # pictures that are left out, one after the other


@dataclass(frozen=True)
class Suggestion:
    """A threshold, and how it does on the gallery's own pictures.

    Args:
        known: share of pictures that are named rightly by the others
        unknown: share of pictures that get no name where all of their own name's are left out
        pictures: how many were left out
    """

    threshold: float
    known: float
    unknown: float
    pictures: int


def suggest(gallery):
    """The `Suggestion` of the threshold that serves known and unknown things alike, None where there is none.

    Each picture is held against the others (leave one out). The nearest of its own name says what a known thing looks
    like, as long as no other name is nearer, the nearest of any other name what an unknown one would; between them lies
    `trizoo.metrics.embedding.best_threshold`, or DEFAULT where these tell nothing apart. There is none where the
    gallery has one name alone, or no name has two pictures.
    """
    counts = gallery.counts
    if len(counts) < 2 or max(counts.values()) < 2:
        return None
    rows = np.arange(0, len(gallery), -(-len(gallery) // _MOST))
    own, other = _nearest(gallery, rows)
    paired = np.array([counts[gallery.names[row]] > 1 for row in rows.tolist()])
    named = np.where(own > other, own, -np.inf)[paired]
    threshold, known, unknown = best_threshold(named, other)
    if np.isnan(threshold):
        threshold, known, unknown = DEFAULT, float(np.mean(named >= DEFAULT)), float(np.mean(other < DEFAULT))
    return Suggestion(threshold, known, unknown, int(paired.sum()))


def with_threshold(gallery, threshold=None):
    """The gallery with the threshold that a person chose, now or before, else with the suggested one.

    Args:
        threshold: what a person wants, None for nothing

    Returns:
        the Gallery, and the `Suggestion`: None where a person chose, or there is none
    """
    if threshold is not None:
        return replace(gallery, threshold=threshold, chosen=True), None
    if gallery.chosen:
        return gallery, None
    suggestion = suggest(gallery)
    return replace(gallery, threshold=None if suggestion is None else suggestion.threshold), suggestion


def _nearest(gallery, rows):
    """The greatest similarity of each row to another one of its name, and to one of another name; -inf of none."""
    ends = np.cumsum([*gallery.counts.values()])  # rows of a name are one after the other
    own, other = np.full(len(rows), -np.inf), np.full(len(rows), -np.inf)
    for start, block in make_index(gallery, exact=True).blocks(gallery.vectors[rows]):
        for place, similarities in enumerate(block, start=start):
            row = rows[place]
            name = int(np.searchsorted(ends, row, side="right"))
            first, last = (ends[name - 1] if name else 0), ends[name]
            own[place] = max(
                similarities[first:row].max(initial=-np.inf), similarities[row + 1 : last].max(initial=-np.inf)
            )
            other[place] = max(similarities[:first].max(initial=-np.inf), similarities[last:].max(initial=-np.inf))
    return own, other
