"""What each layer puts out while a run goes (`--layer-stats`): mean, variance, and where it is no longer finite.

layers.csv    step,layer,mean,variance,not_finite,values: a row for each layer with parameters, as often as the log
"""

import csv
import io
from dataclasses import dataclass

import numpy as np

from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.files import write_atomically

COLUMNS = ("step", "layer", "mean", "variance", "not_finite", "values")


@dataclass(frozen=True)
class LayerOutput:
    """The outputs of a layer in a step's forward pass, of all its calls.

    Args:
        name: canonical, such as "backbone.stages.0.down.conv"
        mean, variance: of the finite values, None where there is none
        not_finite: how many aren't
        values: how many there are
    """

    name: str
    mean: float | None
    variance: float | None
    not_finite: int
    values: int


class LayerStats:
    """A run's layers.csv.

    Args:
        path: of the file
        parts: of a batch, each of which batch norms see by itself (`schedule.accumulate`)
    """

    def __init__(self, path, parts=1):
        self.path = path
        self.parts = parts

    def begin(self, step):
        """Keeps what is there of the first `step` steps: of a run that begins nothing. Raises UnwrittenError."""
        rows = []
        if step and self.path.is_file():
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        write_atomically(self.path, _as_text(rows, header=True))

    def look(self, learner, images):
        """What `merged` takes, of the learner's next step on images uint8 (B, H, W, 3)."""
        size = len(images) // min(self.parts, len(images))
        return [learner.layer_stats(images[first : first + size]) for first in range(0, len(images), size)]

    def write(self, step, looked):
        """Appends the rows of a step, the number of which counts from 1. Returns the LayerOutputs."""
        layers = merged(looked)
        rows = [dict(zip(COLUMNS, (step, *vars(layer).values()), strict=True)) for layer in layers]
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(_as_text(rows))
        except OSError as error:
            raise UnwrittenError(f"{self.path} can't be written ({error.strerror or error})") from error
        return layers

    def explain(self, step, looked):
        """Writes the rows of a step whose loss isn't finite -> which layer was the first not to be, in words."""
        layers = self.write(step, looked)
        first = next((layer for layer in layers if layer.not_finite), None)
        if first is None:
            return f"the outputs of all layers were finite ({self.path} has them)"
        share = f"{first.not_finite:,} of {first.values:,} values"
        return f"{first.name} was the first layer whose outputs weren't ({share}; {self.path} has all layers)"


def merged(looked):
    """The LayerOutputs, in the order of the layers' first calls, of several forward passes.

    Args:
        looked: what `trizoo.framework.Learner.layer_stats` gives, for each of them
    """
    calls = {}
    for of_part in looked:
        for name, values, statistics in of_part:
            mean, variance, not_finite = map(float, statistics)
            calls.setdefault(name, []).append((values, mean, variance, int(not_finite)))
    return [_merged(name, np.array(of_layer, np.float64).T) for name, of_layer in calls.items()]


def _merged(name, of_calls):
    """A LayerOutput. of_calls: float64 (4, calls): values, means, variances, how many aren't finite."""
    values, means, variances, not_finite = of_calls
    counts = values - not_finite
    mean = variance = None
    if counts.any():
        used = counts > 0
        mean = np.average(means[used], weights=counts[used])
        variance = float(np.average((variances + (means - mean) ** 2)[used], weights=counts[used]))
        mean = float(mean)
    return LayerOutput(name, mean, variance, int(not_finite.sum()), int(values.sum()))


def check_alone(world):
    """UserError where several processes share the batches, of which each layer's outputs would be a share's."""
    if world.size > 1:
        raise UserError(
            f"--layer-stats looks at the batches of one process, and {world.size} were started; leave one of them out"
        )


def _as_text(rows, header=False):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
