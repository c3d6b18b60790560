"""Seconds of a training step in each installed framework, Keras on each backend, each in a process of its own.

Ratios are against the fastest. The same weights, images and targets everywhere.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import product

import numpy as np

from trizoo.commands.parity import SIDES
from trizoo.families import architecture, family_of, model_spec
from trizoo.ground.sample import Sample
from trizoo.parity.pseudo import pseudo_batch, pseudo_mask
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch
from trizoo.weights.initial import initial_arrays

CLASSES = ("a", "b", "c")


def framework(side):
    """The framework object of a side's name."""
    if side == "PyTorch":
        from torch_zoo.framework import PyTorch

        return PyTorch()
    if side == "TensorFlow 2":
        from tf2_zoo.framework import TF2

        return TF2()
    from keras_zoo.framework import Keras

    return Keras()


def measure(side, model, size, batch_size, steps, device, compile_step, precision, clock):
    """{"versions", "first": seconds of the first step, "step": median of the others}, by a clock."""
    zoo = framework(side)
    device, spec = zoo.device(device), model_spec(model, len(CLASSES))
    network = zoo.build(spec, device)
    zoo.assign(network, initial_arrays(zoo.shapes(network), 0, spec))
    recipe = Recipe(classes=CLASSES, compile=compile_step, precision=precision, loss=family_of(model).loss())
    learner = zoo.learner(network, spec, recipe, device)
    size = architecture(model).only_size or (size, size)
    drawn = zip(*pseudo_batch(0, batch_size, size, len(CLASSES), boxes_each=12), strict=True)
    samples = [Sample(*of_image, pseudo_mask(*of_image[1:], size), {0: 1.0}) for of_image in drawn]
    batch = Batch(np.stack([sample.image for sample in samples]), spec.targets(samples, size, recipe.loss), [], 0)
    times = []
    for _ in range(steps + 1):
        started = clock()
        float(learner.step(batch, 1e-4)["loss"])
        times.append(clock() - started)
    return {"versions": zoo.versions(), "first": times[0], "step": float(np.median(times[1:]))}


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="yolov3-tiny")
    parser.add_argument("--size", type=int, default=416, help="where the model takes any")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--compile", action="store_true", help="also with --compile, where that isn't always on")
    parser.add_argument("--precision", nargs="+", choices=("fp32", "bf16", "fp16"), default=["fp32"])
    parser.add_argument(
        "--cpu-time", action="store_true", help="seconds of the CPU, for a machine that does other work"
    )
    parser.add_argument("--only", nargs=3, metavar=("SIDE", "STEP", "PRECISION"), help="measure one, as JSON")
    args = parser.parse_args()
    if args.only:
        side, how, precision = args.only
        clock = time.process_time if args.cpu_time else time.perf_counter
        sizes = (args.size, args.batch_size, args.steps)
        found = measure(side, args.model, *sizes, args.device, how == "compiled", precision, clock)
        print(json.dumps(found))
        return
    rows = []
    for side in (side for side in SIDES if side.installed):
        for how, precision in product(("as it is", "compiled") if args.compile else ("as it is",), args.precision):
            command = [sys.executable, __file__, *sys.argv[1:], "--only", side.name, how, precision]
            environment = os.environ | dict(side.environment)
            result = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            rows.append((f"{how}, {precision}", json.loads(result.stdout.splitlines()[-1])))
    fastest = min(found["step"] for _, found in rows)
    print("| framework | step | first step, s | s/step | images/s | times the fastest |\n" + "| --- " * 6 + "|")
    for how, found in rows:
        numbers = (found["first"], found["step"], args.batch_size / found["step"], found["step"] / fastest)
        print(f"| {found['versions']} | {how} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")


if __name__ == "__main__":
    main()
