"""The parity command of one framework: python -m torch_zoo.parity, tf2_zoo.parity, keras_zoo.parity."""

import argparse
import zipfile
from pathlib import Path

import numpy as np

from trizoo.families import architecture
from trizoo.ground.results import check_file
from trizoo.parity.golden import GOLDENS, differences, golden_path, golden_spec, load_golden
from trizoo.parity.probe import probe
from trizoo.weights.names import names_path, names_text


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        description="Measure a model in this framework and compare it with the committed golden.",
        epilog="trizoo parity does it for all installed frameworks, as a table.",
    )
    flags.add_argument("model", nargs="*", default=list(GOLDENS), help=f"of {', '.join(GOLDENS)} (default: all)")
    what = flags.add_mutually_exclusive_group()
    what.add_argument("--out", metavar="FOLDER", help="write the measurements to FOLDER/MODEL.npz")
    what.add_argument(
        "--regenerate",
        action="store_true",
        help="write the names file and the golden again: only where a graph or check was changed on purpose",
    )
    return flags


def measure(framework, argv=None):
    """The command. Returns the exit code.

    Args:
        framework: the zoo's `Framework`
    """
    args = parser().parse_args(argv)
    for model in args.model:
        architecture(model)
        if args.out:
            check_file(Path(args.out, f"{model}.npz"), "--out", _is_measurement)
    for model in args.model:
        measured = probe(framework, model)
        if args.out:
            Path(args.out).mkdir(parents=True, exist_ok=True)
            np.savez_compressed(Path(args.out, f"{model}.npz"), **measured, versions=framework.versions())
        elif args.regenerate:
            shapes = framework.shapes(framework.build(golden_spec(model), framework.device("cpu")))
            Path(str(names_path(model))).write_text(names_text(shapes), encoding="utf-8")
            del measured["seconds"]
            np.savez_compressed(str(golden_path(model)), **measured)
            print(f"wrote {names_path(model)} and {golden_path(model)}")
        else:
            for check, value in differences(load_golden(model), measured).items():
                print(f"{model} {check} {value:.2g}")
    return 0


def _is_measurement(path):
    """Whether a file is an earlier measurement."""
    try:
        with zipfile.ZipFile(path) as file:
            return {"versions.npy", "curve.npy"} <= set(file.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
