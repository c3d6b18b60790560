"""What `trizoo compare` does: several runs in one picture."""

import os
from pathlib import Path

import numpy as np

from trizoo.commands.cli import say
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted
from trizoo.metrics.plain import shown
from trizoo.pictures.figures import check_figure, save_figure
from trizoo.pictures.style import COLOURS
from trizoo.tasks import tasks
from trizoo.training.curves import WINDOW, smooth, values_of
from trizoo.training.run import RunFolder

COMMAND = "trizoo compare"
METRICS = tuple(task.metrics for task in tasks().values())  # of each task, that which the best epoch goes by first


def run(args):
    """The command. Returns the exit code."""
    check_figure(args.out, "--out", COMMAND)
    paths = distinct(args.runs)
    runs = [read(path) for path in paths]
    measured = {}
    for path, records in zip(paths, runs, strict=True):
        epochs = [record for record in records if record["kind"] == "epoch"]
        seconds = values_of(epochs, "seconds")
        name_of_score, scores = validation(records)
        measured |= {name_of_score: None} if scores else {}
        each = np.median(seconds) if epochs else 0
        say(
            f"{path}: {counted(len(epochs), 'epoch')}, {each:.1f} s each (median), loss "
            f"{values_of(epochs, 'loss')[-1] if epochs else np.nan:.3f}, best validation {name_of_score} "
            f"{shown(max(scores.values(), default=None))}"
        )
    if len(measured) > 1:
        say(f"warning: {' and '.join(measured)} are different metrics; only curves of the same one can be compared")
    save_figure(args.out, draw(dict(zip(labels(paths), runs, strict=True))), COMMAND)
    return 0


def distinct(paths):
    """Each run once, in their order; it says which are left out since they are there already."""
    found = {}
    for path in paths:
        place = os.path.realpath(path)
        if place in found:
            say(f"warning: {path} is the run {found[place]} once more; it is drawn once")
        found.setdefault(place, path)
    return list(found.values())


def labels(paths):
    """What tells runs apart: of each path the fewest last parts that no other ends with, as `a/run`.

    They don't begin with an underscore, which matplotlib leaves out of legends.
    """
    whole = [Path(path).resolve() if ".." in Path(path).parts else Path(path).absolute() for path in paths]
    ends = [[path.parts[-count:] for count in range(1, len(path.parts) + 1)] for path in whole]
    return [
        "/".join(next(end for end in own if not end[0].startswith("_") and sum(end in other for other in ends) == 1))
        for own in ends
    ]


def read(path):
    """The records of a run folder's log. Raises UserError where there is none, or no run's."""
    run = RunFolder(path)
    if not run.log_path.is_file():
        raise UserError(f"{path} has no {run.log_path.name}; the folder of a run is needed")
    return run.read_log()


def validation(records):
    """The metric that a run's best weights were chosen by, and its values: "mAP50" or "mIoU", {epoch: value}."""
    epochs = [record for record in records if record["kind"] == "epoch"]
    known = {name for record in epochs for name in record}
    # the task is the one that has all its metrics there: mF1 is the first of one and the second of another
    for name, *_ in sorted(METRICS, key=lambda metrics: -len(known.intersection(metrics))):
        values = dict(zip(values_of(epochs, "epoch"), values_of(epochs, name), strict=True))
        values = {epoch: value for epoch, value in values.items() if np.isfinite(value)}
        if values:
            return name, values
    return METRICS[0][0], {}


def draw(runs):
    """{label: records of a run's log} -> a matplotlib Figure: losses over steps, mAP50 or mIoU over epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    loss, score = figure.subplots(1, 2)
    names = {}  # in the order of the runs
    for number, (label, records) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        steps = [record for record in records if record["kind"] == "step"]
        window = max(1, round(len(steps) * WINDOW)) | 1  # odd, so that the mean is centred
        if steps:
            smoothed = smooth(values_of(steps, "loss"), window)
            loss.plot(values_of(steps, "step"), smoothed, color=colour, label=label)
        name, values = validation(records)
        names |= {name: None}
        score.plot(list(values), list(values.values()), color=colour, label=label, marker="o", markersize=3)
    loss.set(title="Loss", xlabel="step")
    score.set(title=f"Validation {', '.join(names)}", xlabel="epoch", ylim=(0, 1))
    for axes in (loss, score):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(loc="upper right" if axes is loss else "lower right", frameon=False)
    return figure
