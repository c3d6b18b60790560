"""Evaluations that processes share, which here run one after the other."""

from dataclasses import dataclass

import numpy as np
import pytest

from trizoo.ground.sample import Detections
from trizoo.training.shared import SharedPipeline, measure, packed, unpacked
from trizoo.training.world import World


@dataclass(frozen=True)
class Sent(World):
    """A process whose results the first, which runs after it, takes from `sent`."""

    sent: tuple = ()

    def gather(self, arrays):
        if not self.is_first:
            self.sent[self.rank - 1].append(arrays)
            return []
        return [arrays, *(parts.pop(0) for parts in self.sent)]


def detections(image):
    """As many as the image's number says, less the tens."""
    count = image % 10
    return Detections(np.full((count, 4), image, np.float32), np.zeros(count, np.float32), np.zeros(count, np.int64))


def mask(image):
    return np.full((image, 2), image, np.uint8)


@pytest.mark.parametrize("kind", [detections, mask])
@pytest.mark.parametrize(("size", "count"), [(2, 20), (3, 20), (3, 8), (2, 0), (2, 32)])
def test_the_first_has_all_results_in_order_of_the_batches_that_one_process_would_make(kind, size, count):
    seen, sent = [], tuple([] for _ in range(size - 1))

    def pipeline(images, batch_size):
        for first in range(0, len(images), batch_size):
            seen.append(images[first : first + batch_size])
            yield from map(kind, images[first : first + batch_size])

    for rank in reversed(range(size)):
        found = list(SharedPipeline(pipeline, Sent(rank, size, sent=sent))(range(count)))
        assert rank == 0 or found == []
    assert sorted(seen) == [list(range(count))[first : first + 8] for first in range(0, count, 8)]
    assert len(found) == count
    for result, image in zip(found, range(count), strict=True):
        expected = kind(image)
        assert type(result) is type(expected)
        assert packed([result]).keys() == packed([expected]).keys()
        assert all(np.array_equal(array, packed([expected])[name]) for name, array in packed([result]).items())


def test_packing_is_undone_also_of_nothing_found():
    assert unpacked({}, None) == []
    (empty,) = unpacked(packed([Detections.empty()]), Detections.empty())
    assert empty.boxes.shape == (0, 4)


def test_one_process_alone_measures_by_the_pipeline_itself():
    class Evaluation:
        def measure(self, pipeline):
            return {"mAP": 1.0}, pipeline

    assert measure(Evaluation(), "pipeline", World()) == ({"mAP": 1.0}, "pipeline")
