"""What `trizoo parity` does: one model, every framework, the same numbers.

Each installed framework, Keras on each installed backend, measures the models in a process of its own (it would not do
to load them all into one); this process, without any framework, compares and prints.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.commands.cli import say
from trizoo.families import architecture
from trizoo.framework import is_installed
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.ground.results import check_file, has_keys
from trizoo.parity.golden import GOLDENS, TOLERANCES, differences, load_golden
from trizoo.pictures.figures import check_figure, save_figure
from trizoo.pictures.style import COLOURS

COMMAND = "trizoo parity"
HEADINGS = {"batch_step": "batch step", "frozen_step": "frozen step"}
WIDTH = 11  # of a column of numbers


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    Args:
        needs: modules that must be installed
    """

    name: str
    command: str  # the zoo's module that measures
    needs: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def installed(self):
        """Whether all that it needs is there."""
        return all(is_installed(module) for module in self.needs)


SIDES = (
    Side("PyTorch", "torch_zoo.parity", ("torch",)),
    Side("TensorFlow 2", "tf2_zoo.parity", ("tensorflow",)),
    Side("Keras, TensorFlow", "keras_zoo.parity", ("keras", "tensorflow"), (("KERAS_BACKEND", "tensorflow"),)),
    Side("Keras, JAX", "keras_zoo.parity", ("keras", "jax"), (("KERAS_BACKEND", "jax"),)),
    Side("Keras, PyTorch", "keras_zoo.parity", ("keras", "torch"), (("KERAS_BACKEND", "torch"),)),
)


def run(args):
    """The command. Returns 0, or 1 where a difference lies beyond its bound."""
    models = args.model or list(GOLDENS)
    for model in models:
        architecture(model)
        if model not in GOLDENS:
            raise UserError(f"{model} has no golden to be compared with; one of {', '.join(GOLDENS)} is needed")
    if args.json:
        check_file(args.json, "--json", has_keys("bounds", "models"))
    if args.plot:
        check_figure(args.plot, "--plot", COMMAND)
    sides = [side for side in SIDES if side.installed]
    if not sides:
        raise UserError("no framework is installed to compare; pip install one of torch, tensorflow-cpu, keras")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.jobs) as pool:
        found = pool.map(lambda side: measure(side, models, Path(folder)), sides)
        measured = {side.name: arrays for side, arrays in zip(sides, found, strict=True)}
    report = {model: compare(model, {name: found[model] for name, found in measured.items()}) for model in models}
    for model in models:
        say(table(model, report[model]))
    if args.json:
        write_atomically(args.json, json.dumps({"bounds": TOLERANCES, "models": report}, indent=1) + "\n")
    if args.plot:
        draw(report, args.plot)
    breaches = [
        f"{name}'s {HEADINGS.get(check, check)} of {model} is {value:.2g} away; {bound:g} is the bound"
        for model in models
        for name, row in report[model].items()
        for check, bound in TOLERANCES.items()
        if not (value := row["differences"][check]) <= bound
    ]
    for breach in breaches:
        say(f"breach: {breach}")
    return 1 if breaches else 0


def measure(side, models, folder):
    """Runs one side's process: {model: result of `trizoo.parity.probe.probe`, with "versions" and "seconds"}."""
    out = folder / side.name
    out.mkdir()
    say(f"measuring {side.name} …")
    process = subprocess.run(
        [sys.executable, "-m", side.command, *models, "--out", str(out)],
        env=os.environ | dict(side.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if process.returncode:
        raise UserError(f"{side.name} could not be measured: {process.stdout.strip() or 'it printed nothing'}")
    found = {}
    for model in models:
        with np.load(out / f"{model}.npz", allow_pickle=False) as file:
            found[model] = dict(file)
    return found


def compare(model, measured):
    """{side: measurement} -> {side: {"versions", "seconds", "curve", "differences": {check: float}}}.

    A difference is the greatest of those from the committed golden and from every other side.
    """
    report = {}
    for name, ours in measured.items():
        others = [load_golden(model), *(theirs for other, theirs in measured.items() if other != name)]
        against = [differences(other, ours) for other in others]
        report[name] = {
            "versions": str(ours["versions"]),
            "seconds": round(float(ours["seconds"]), 1),
            "curve": ours["curve"].tolist(),
            "differences": {check: max(found[check] for found in against) for check in TOLERANCES},
        }
    return report


def table(model, report):
    """A model's report as text: a row per side, greatest differences, and the bounds below."""
    names = [HEADINGS.get(check, check) for check in TOLERANCES]
    first = max(len(row["versions"]) for row in report.values()) + 1
    lines = [f"{model:<{first}}" + "".join(f"{name:>{WIDTH + 1}}" for name in (*names, "seconds"))]
    for row in report.values():
        numbers = [f"{row['differences'][check]:.1e}" for check in TOLERANCES] + [f"{row['seconds']:.0f}"]
        lines.append(f"{row['versions']:<{first}}" + "".join(f"{number:>{WIDTH + 1}}" for number in numbers))
    bounds = "".join(f"{bound:>{WIDTH + 1}.0e}" for bound in TOLERANCES.values())
    return "\n".join([*lines, f"{'bound':<{first}}{bounds}", ""])


def draw(report, path):
    """The training curves of each model over one another, and below how far each is from the first side's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(report), 5), layout="constrained")
    axes = figure.subplots(2, len(report), squeeze=False, sharex=True, height_ratios=(2, 1))
    for (above, below), (model, rows) in zip(axes.T, report.items(), strict=True):
        reference = np.array(next(iter(rows.values()))["curve"])
        steps = np.arange(1, len(reference) + 1)
        for number, row in enumerate(rows.values()):
            colour, distance = COLOURS[number % len(COLOURS)], np.abs(np.array(row["curve"]) / reference - 1)
            style = {"label": row["versions"], "linewidth": 7 - 1.3 * number, "alpha": 0.7}
            above.plot(steps, row["curve"], color=colour, **style)
            below.plot(steps, distance + 1e-9, color=colour)
        above.set_title(model)
        above.set_ylabel("loss")
        above.legend(loc="upper right", fontsize="small")
        below.set_yscale("log")
        below.axhline(TOLERANCES["curve"], color="grey", linestyle=":")
        below.set_ylabel("relative distance")
        below.set_xlabel("step")
    save_figure(path, figure, COMMAND)
