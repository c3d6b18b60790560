"""Exported files against the framework that wrote them: the table in docs/export.md.

Weights are made from names (`trizoo.parity.pseudo`), so nothing is downloaded; images are drawn. Of each model and
target: how far raw outputs lie from the framework's, in their largest value; how many boxes after NMS in the graph are
those of the zoo's decode; the CPU's seconds to write and check it; megabytes; milliseconds of an image, and PyTorch's
own, both on the CPU.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

from trizoo.commands.export import run
from trizoo.commands.flags.export import parser
from trizoo.deploy import writing
from trizoo.deploy.targets import TARGETS
from trizoo.families import architecture
from trizoo.framework import find
from trizoo.parity.probe import loss_section
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import make_model, read_model
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import Checkpoint, save

MODELS = ("yolov3-tiny", "yolov4-tiny", "ssd300-mobilenetv2", "retinanet-resnet18", "deeplabv3plus-mobilenetv2")
CLASSES = tuple("abcdefgh")
HEADER = ("model", "target", "size", "batch", "raw", "boxes or mask", "CPU s", "MB", "ms", "ms, PyTorch")
PRECISIONS = "fp32", "fp16"


def checkpoint(zoo, model, size, path):
    """Writes a checkpoint of a model with weights made from names."""
    recipe = Recipe(
        model={"name": model},
        classes=CLASSES,
        input_size=architecture(model).only_size or size,
        loss=loss_section(model),
        data={"root": None},
        evaluate={"max_detections": 300},
    )
    shapes = zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None))
    save(path, Checkpoint(pseudo_arrays(shapes), to_dict(recipe), "pytorch"))


def milliseconds(*predictors, images, rounds):
    """Of a call of each, the shortest: they take turns, so that what else the machine does slows none alone."""
    times = [[] for _ in predictors]
    for _ in range(rounds):
        for predict, of_one in zip(predictors, times, strict=True):
            started = time.perf_counter()
            predict(images)
            of_one.append(time.perf_counter() - started)
    return [1000 * min(of_one) for of_one in times]


def measure(zoo, path, title, options, rounds):
    """A row's figures: the `Written`, the CPU's seconds to write it, milliseconds of the file and of PyTorch."""
    kept = []

    def write(*given):
        kept.append(writing.write(*given))
        return kept[-1]

    args = parser().parse_args(
        [str(path), "--out", str(path.with_suffix("") / title / f"model{options[0]}"), *options[1:]]
    )
    started = time.process_time()
    run(args, write=write)
    seconds = time.process_time() - started
    device = zoo.device("cpu")
    recipe, model = make_model(zoo, read_model(path), device, "fp32")
    predictors = kept[0].opened.raw, zoo.predictor(model, "fp32", device)
    return kept[0], seconds, *milliseconds(*predictors, images=pseudo_images(1, recipe.input_size), rounds=rounds)


def rows_of(zoo, model, size, targets, precisions, rounds, folder):
    """The table's rows of a model.

    Args:
        size: (width, height), where the model takes any
        targets: keys of `trizoo.deploy.targets.TARGETS`
        precisions: some of PRECISIONS
        rounds: of the milliseconds
        folder: for files
    """
    path, only = Path(folder) / f"{model}.h5", architecture(model).only_size
    checkpoint(zoo, model, size, path)
    for name, precision in itertools.product(targets, precisions):
        target = TARGETS[name]
        if precision == "fp16" and not target.halves:
            continue
        is_dynamic = target.is_free and not only
        options = ["--half"] * (precision == "fp16") + ["--size", "dynamic"] * is_dynamic
        written, seconds, ours, theirs = measure(zoo, path, f"{name}-{precision}", (target.ending, *options), rounds)
        difference = written.difference
        found = "" if difference.boxes is None else f"{difference.equal} of {difference.boxes}"
        if difference.edge and precision == "fp32":
            found += f" (+{difference.edge})"
        if difference.mask is not None:
            found = f"{difference.mask:.3%}"
        sizes = "any" if is_dynamic else "x".join(map(str, only or size))
        batch = "any" if target.is_free else "1"
        figures = (f"{difference.raw:.1e}", found, f"{seconds:.0f}", f"{written.size / 1e6:.1f}")
        yield model, f"{target.title} {precision}", sizes, batch, *figures, f"{ours:.0f}", f"{theirs:.0f}"


def line(row):
    """A row of the table as text."""
    return f"| {' | '.join(row)} |"


def main():
    """The command."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("models", nargs="*", default=MODELS)
    flags.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    flags.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    flags.add_argument(
        "--rounds", type=int, default=15, help="of an image's milliseconds, of which the shortest counts"
    )
    flags.add_argument("--size", type=int, default=320, help="pixels a side, where the model takes any")
    args = flags.parse_args()
    zoo = find("pytorch").open()
    print(line(HEADER), line(["---"] * len(HEADER)), sep="\n", flush=True)
    for model in args.models:
        with tempfile.TemporaryDirectory() as folder:
            size = args.size, args.size
            for row in rows_of(zoo, model, size, args.targets, args.precisions, args.rounds, folder):
                print(line(row), flush=True)


if __name__ == "__main__":
    main()
