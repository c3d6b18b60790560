"""An evaluation set whose images' labels are in their records: what boxes, key points and classes share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trizoo.data.reading import Problem
from trizoo.data.texts import Chosen


@dataclass(frozen=True)
class RecordSet:
    """See `trizoo.tasks.base.EvaluationSet`."""

    records: Any
    classes: tuple[str, ...]
    split: str
    problems: Sequence[Problem] = ()
    notes: Any = ()
    score: float = 0.5  # the operating point: the least that predict shows

    def only(self, places, split):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return replace(self, records=Chosen(self.records, np.array(places, np.int64)), split=split)

    def truth(self, record):
        """What a result is held against: the class of an image."""
        return record.label

    def measures(self, metrics, pipeline):
        """What `metrics.measure` gives once it has the result and the `truth` of each image."""
        found = pipeline(record.image for record in self.records)
        for record, result in zip(self.records, found, strict=True):
            metrics.add(result, self.truth(record))
        return metrics.measure()
