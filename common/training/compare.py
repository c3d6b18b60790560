"""Several runs in one picture: python -m common.training.compare RUN [RUN ...] --out curves.png."""

import argparse
from pathlib import Path

import numpy as np

from common.cli import run_command, say
from common.errors import UserError
from common.files import replacing
from common.metrics.plain import shown
from common.training.curves import COLOURS, WINDOW, smooth
from common.training.run import RunFolder


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        prog="python -m common.training.compare",
        description="Draw the losses and validation figures of several runs over one another, and print their ends.",
    )
    flags.add_argument("runs", nargs="+", metavar="RUN", help="run folder; its name labels its curve")
    flags.add_argument("--out", metavar="FILE", default="compare.png", help="picture to write (default: compare.png)")
    return flags


def main(argv=None):
    """The command. Returns the exit code."""
    args = parser().parse_args(argv)
    runs = {path: read(path) for path in args.runs}
    for name, records in runs.items():
        epochs = [record for record in records if record["kind"] == "epoch"]
        seconds = [record["seconds"] for record in epochs]
        figures = [record["mAP50"] for record in epochs if record.get("mAP50") is not None]
        say(
            f"{name}: {len(epochs)} epochs, {np.median(seconds) if seconds else 0:.1f} s each (median), loss "
            f"{epochs[-1]['loss'] if epochs else float('nan'):.3f}, best validation mAP50 "
            f"{shown(max(figures, default=None))}"
        )
    with replacing(args.out) as temporary:
        draw({Path(name).name: records for name, records in runs.items()}).savefig(
            temporary, format=Path(args.out).suffix.lstrip(".") or "png"
        )
    return 0


def read(path):
    """The records of a run folder's log. Raises UserError where there is none."""
    run = RunFolder(path)
    if not run.log_path.is_file():
        raise UserError(f"{path} has no {run.log_path.name}; the folder of a run is needed")
    return run.read_log()


def draw(runs):
    """{label: records of a run's log} -> a matplotlib Figure: loss over steps on the left, mAP50 over epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    loss, score = figure.subplots(1, 2)
    for number, (label, records) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        steps = [record for record in records if record["kind"] == "step"]
        values = np.array([record["loss"] for record in steps], np.float64)
        window = max(1, round(len(steps) * WINDOW)) | 1  # odd, so that the mean is centred
        if steps:
            loss.plot([record["step"] for record in steps], smooth(values, window), color=colour, label=label)
        measured = [record for record in records if record["kind"] == "epoch" and record.get("mAP50") is not None]
        places, figures = [r["epoch"] for r in measured], [r["mAP50"] for r in measured]
        score.plot(places, figures, color=colour, label=label, marker="o", markersize=3)
    loss.set(title="Loss", xlabel="step")
    score.set(title="Validation mAP50", xlabel="epoch", ylim=(0, 1))
    for axes in (loss, score):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    run_command(main)
