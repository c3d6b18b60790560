"""What `trizoo compare` does: several runs in one picture."""

from pathlib import Path

import numpy as np

from trizoo.commands.cli import say
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted
from trizoo.metrics.plain import shown
from trizoo.pictures.figures import check_figure, save_figure
from trizoo.pictures.style import COLOURS
from trizoo.tasks import tasks
from trizoo.training.curves import WINDOW, smooth
from trizoo.training.run import RunFolder

COMMAND = "trizoo compare"
METRICS = tuple(task.metrics for task in tasks().values())  # of each task, that which the best epoch goes by first


def run(args):
    """The command. Returns the exit code."""
    check_figure(args.out, "--out", COMMAND)
    runs = {path: read(path) for path in args.runs}
    measured = {}
    for name, records in runs.items():
        epochs = [record for record in records if record["kind"] == "epoch"]
        seconds = [record["seconds"] for record in epochs]
        name_of_score, scores = validation(records)
        measured |= {name_of_score: None} if scores else {}
        each = np.median(seconds) if seconds else 0
        say(
            f"{name}: {counted(len(epochs), 'epoch')}, {each:.1f} s each (median), loss "
            f"{epochs[-1]['loss'] if epochs else float('nan'):.3f}, best validation {name_of_score} "
            f"{shown(max(scores.values(), default=None))}"
        )
    if len(measured) > 1:
        say(f"warning: {' and '.join(measured)} are different metrics; only curves of the same one can be compared")
    save_figure(args.out, draw({Path(name).name: records for name, records in runs.items()}), COMMAND)
    return 0


def read(path):
    """The records of a run folder's log. Raises UserError where there is none."""
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
        values = {record["epoch"]: record[name] for record in epochs if record.get(name) is not None}
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
        values = np.array([record["loss"] for record in steps], np.float64)
        window = max(1, round(len(steps) * WINDOW)) | 1  # odd, so that the mean is centred
        if steps:
            loss.plot([record["step"] for record in steps], smooth(values, window), color=colour, label=label)
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
