"""Evaluation from files to metrics: whole outputs to the host, the rows that decoding can need, and bf16: images/s.

Untrained networks on synthetic drawings, as in the first epochs of training, whose candidates are most; or a checkpoint
on its data. Sides take turns, and the best turn of each counts.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from trizoo.data.synthetic import synthesize
from trizoo.deploy.runtimes import make_model, read_model
from trizoo.framework import FRAMEWORKS, find
from trizoo.tasks import task_of
from trizoo.training.data import final_set
from trizoo.training.recipe import new_recipe
from trizoo.training.specs import spec_of

CLASSES = ("circle", "square", "triangle")
BATCH = 8
DRAWN = (640, 480)  # width and height of the drawings
SIDES = {  # precision, and whether rows are chosen on the device
    "fp32, whole outputs": ("fp32", False),
    "fp32, rows": ("fp32", True),
    "bf16, whole outputs": ("bf16", False),
}


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=tuple(FRAMEWORKS), required=True)
    parser.add_argument("--models", nargs="+", default=["yolov3-tiny", "retinanet-resnet18"])
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="of the input")
    parser.add_argument("--images", type=int, default=16, help="drawings (default: 16)")
    parser.add_argument("--weights", help="a checkpoint instead of untrained networks")
    parser.add_argument("--data", help="data set of the checkpoint, if another than the one that it was trained on")
    parser.add_argument("--splits", nargs="+", default=["val"], help="of that data set (default: val)")
    parser.add_argument("--sides", nargs="+", choices=tuple(SIDES), default=list(SIDES))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--cpu-time", action="store_true", help="seconds of CPU, for a busy machine")
    args = parser.parse_args()
    framework = find(args.framework).open()
    device = framework.device(args.device)
    clock = time.process_time if args.cpu_time else time.perf_counter
    print(f"{framework.versions()}, {framework.describe_device(device)}, {'CPU' if args.cpu_time else 'wall'} time")
    print(
        "| model | images | side | images/s | times | network alone, images/s | times | metrics |\n"
        + "| --- " * 8
        + "|"
    )
    with tempfile.TemporaryDirectory() as folder:
        drawings = synthesize(Path(folder, "drawings"), args.images, DRAWN, CLASSES)
        for name, recipe, model, data in trained(framework, device, args) or untrained(
            framework, device, args, drawings
        ):
            rows = compare(framework, device, recipe, model, data, args, clock)
            count = sum(len(part.records) for part in data)
            for side, seconds, network, metrics in rows:
                speed = f"{count / seconds:.2f} | {rows[0][1] / seconds:.2f}"
                speed += f" | {BATCH / network:.2f} | {rows[0][2] / network:.2f}"
                print(f"| {name} | {count} | {side} | {speed} | {metrics} |", flush=True)


def untrained(framework, device, args, drawings):
    """Yields name, recipe, model and evaluation sets of each model."""
    for name in args.models:
        values = [("classes", CLASSES, "here"), ("data.root", str(drawings), "here")]
        if args.size:
            values.append(("input_size", args.size, "here"))
        recipe = new_recipe(values, model=name, origin="here").recipe
        if task_of(name).name == "segmentation":
            recipe = recipe.model_copy(update={"classes": ("background", *CLASSES)})
        data = task_of(name).evaluation_set(task_of(name).find(recipe.data), recipe.data, None, recipe.classes)
        yield (
            f"{name} {'x'.join(map(str, recipe.input_size))}",
            recipe,
            framework.build(spec_of(recipe), device),
            [data],
        )


def trained(framework, device, args):
    """The same of --weights; nothing without."""
    if not args.weights:
        return []
    read = read_model(args.weights)
    recipe, model = make_model(framework, read, device, "fp32")
    if args.data:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": args.data})})
    return [(recipe.model.name, recipe, model, [final_set(recipe, split) for split in args.splits])]


def compare(framework, device, recipe, model, data, args, clock):
    """(side, seconds of its best turn, of the network's best batch, metrics in words) of each side that there is."""
    task, spec = task_of(recipe.model.name), spec_of(recipe)
    pipeline = task.evaluator(framework, model, spec, recipe, device)
    pipelines = {}
    for side in args.sides:
        precision, rows = SIDES[side]
        if not rows or spec.ranking(recipe.input_size):
            pipelines[side] = replace(pipeline, predict=framework.predictor(model, precision, device, rows))
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, *recipe.input_size[::-1], 3), np.uint8)
    for pipeline in pipelines.values():  # what is compiled is compiled now
        pipeline.predict(batch)
    times, network, words = {side: [] for side in pipelines}, {side: [] for side in pipelines}, {}
    for _ in range(args.turns):
        for side, pipeline in pipelines.items():
            started = clock()
            metrics = [part.measure(pipeline)[0] for part in data]
            measured = clock()
            pipeline.predict(batch)
            times[side].append(measured - started)
            network[side].append(clock() - measured)
            words[side] = ", ".join(
                f"{part.split} {metric} {found[metric] or 0:.4f}"
                for part, found in zip(data, metrics, strict=True)
                for metric in task.metrics
            )
    return [(side, min(times[side]), min(network[side]), words[side]) for side in pipelines]


if __name__ == "__main__":
    main()
