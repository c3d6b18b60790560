"""What each export costs in accuracy: the metrics of a checkpoint and of its files on a data set's validation split.

Each target and precision is written as `trizoo export` does it, dynamic where the target can be, int8 calibrated on the
data set's training split, and measured as `trizoo evaluate` does it.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

from trizoo.commands.export import run
from trizoo.commands.flags.export import parser
from trizoo.deploy.int8 import measured
from trizoo.deploy.runtimes import read_notes
from trizoo.deploy.targets import TARGETS
from trizoo.framework import find
from trizoo.ground.errors import UserError
from trizoo.metrics.plain import shown
from trizoo.training.build import make_model, read_model

PRECISIONS = ("fp32", "fp16", "int8")


def flags_of(precision, data):
    """Those of export."""
    return {"fp32": [], "fp16": ["--half"], "int8": ["--int8", data]}[precision]


def size_of(path):
    """Bytes of a file, or of all in a folder."""
    inside = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in inside if file.is_file())


def main():
    """The command."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--weights", required=True, help="checkpoint (.h5)")
    flags.add_argument("--data", required=True, metavar="ROOT", help="data set, found by itself")
    flags.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    args = flags.parse_args()
    zoo = find("pytorch").open()
    device = zoo.device("cpu")
    read = read_model(args.weights)
    recipe, model = make_model(zoo, read, device, "fp32")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, precision in itertools.product(args.targets, PRECISIONS):
            target = TARGETS[name]
            path = Path(folder) / f"{name}-{precision}{target.ending}"
            try:
                code = run(
                    parser().parse_args(
                        [args.weights, "--out", str(path), "--to", name, *flags_of(precision, args.data)]
                    )
                )
            except UserError as error:
                print(f"left out: {error}")
                continue
            if code:
                continue
            opened = read_notes(path).open()
            before, after, split = measured(recipe, read.spec, args.data, (zoo, model), opened, device)
            megabytes = sum(size_of(file) for file in target.files(path)) / 1e6
            figures = (f"{shown(before[name])} -> {shown(after[name])}" for name in before)
            rows.append((f"{target.title} {precision}", *figures, f"{megabytes:.1f}"))
    print(f"{read.spec.name} on {split}")
    print(f"| target | {' | '.join(before)} | MB |\n|{' --- |' * (len(before) + 2)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
