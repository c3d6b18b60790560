"""An evaluation that processes share: each looks at some batches of images, and the first has what all have found."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from trizoo.training.world import World


@dataclass(frozen=True)
class SharedPipeline:
    """An ImagePipeline whose batches the processes take in turn: the same batches that one alone would look at.

    Args:
        pipeline: `trizoo.tasks.pipeline.ImagePipeline`, whose results are arrays or data classes of arrays
        world: of the processes
    """

    pipeline: Any
    world: World

    def __call__(self, images, batch_size=8):
        """Yields the result of each image, in order, in the first process; nothing in the others."""
        images = list(images)
        batches = [images[first : first + batch_size] for first in range(0, len(images), batch_size)]
        own = batches[self.world.rank :: self.world.size]
        results = self.pipeline([image for batch in own for image in batch], batch_size)
        for number in range(0, len(batches), self.world.size):
            here = batches[number + self.world.rank : number + self.world.rank + 1]
            found = list(islice(results, sum(map(len, here))))
            for arrays in self.world.gather(packed(found)):
                yield from unpacked(arrays, found[0])  # the first process has a batch as long as anybody has


def measure(evaluation, pipeline, world):
    """What an EvaluationSet measures by an ImagePipeline: (metrics, what was found), (None, None) but in the first."""
    if world.size == 1:
        return evaluation.measure(pipeline)
    shared = SharedPipeline(pipeline, world)
    if world.is_first:
        return evaluation.measure(shared)
    for _ in shared(record.image for record in evaluation.records):
        pass
    return None, None


def packed(results):
    """Results as one {"number/field": array}; a result that is an array has a field without a name."""
    parts = [{"": result} if isinstance(result, np.ndarray) else vars(result) for result in results]
    return {f"{number}/{name}": array for number, part in enumerate(parts) for name, array in part.items()}


def unpacked(arrays, example):
    """The inverse of `packed` -> list.

    Args:
        example: a result of the same kind
    """
    parts = {}
    for key, array in arrays.items():
        number, _, name = key.partition("/")
        parts.setdefault(int(number), {})[name] = array
    if isinstance(example, np.ndarray):
        return [part[""] for part in parts.values()]
    return [type(example)(**part) for part in parts.values()]
