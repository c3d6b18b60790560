"""The records of a split, kept in a few arrays."""

from collections.abc import Sequence

import numpy as np

from trizoo.ground.sample import Record

UNKNOWN, DROPPED = -1, -2  # instead of a label: of a name that is no class, and of one whose objects are left out


class Records(Sequence):
    """A sequence of `Record`, each made when it is asked for; a slice of it is one too.

    Args:
        index: a `trizoo.data.boxes.index.BoxIndex`
        rows: int64 (N,), which of its images
        labels: int64 (K,), the label of each of its class names; objects of one below 0 are left out
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
        labels = self.labels[index.names[objects]]
        columns = [np.array(column[objects]) for column in (index.boxes, index.difficult, index.crowd)]
        if (labels < 0).any():
            columns = [column[labels >= 0] for column in columns]
            labels = labels[labels >= 0]
        boxes, difficult, crowd = columns
        return Record(index.ids[row], index.root / index.images[row], (width, height), boxes, labels, difficult, crowd)
