"""The records of a split, kept in a few arrays."""

from collections.abc import Sequence

import numpy as np

from trizoo.ground.sample import Record


class Records(Sequence):
    """A sequence of `Record`, each made when it is asked for; a slice of it is one too.

    Args:
        index: a `trizoo.data.boxes.index.BoxIndex`
        rows: int64 (N,), which of its images
        labels: int64 (K,), the label of each of its class names
    """

    def __init__(self, index, rows, labels):
        self.index, self.rows, self.labels = index, rows, labels

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, number):
        if isinstance(number, slice):
            return Records(self.index, self.rows[number], self.labels)
        index, row = self.index, int(self.rows[number])
        objects = index.objects_of(row)
        width, height = index.sizes[row].tolist()
        return Record(
            index.ids[row],
            index.root / index.images[row],
            (width, height),
            np.array(index.boxes[objects]),
            self.labels[index.names[objects]],
            np.array(index.difficult[objects]),
            np.array(index.crowd[objects]),
        )
