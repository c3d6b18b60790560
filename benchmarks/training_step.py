"""What memory layout and allocator are worth to a training step of YOLOv3-tiny on the CPU, each in its own process.

Ratios are against PyTorch's defaults, NCHW memory that glibc hands back to the system.
"""

import argparse
import subprocess
import sys
import time

import numpy as np
import torch

from torch_zoo.framework import PyTorch
from trizoo.families import model_spec
from trizoo.families.yolo.targets import assign
from trizoo.ground.memory import keep_freed_memory
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch
from trizoo.weights.initial import initial_arrays

SETTINGS = (("nchw", "default"), ("nchw", "kept"), ("nhwc", "default"), ("nhwc", "kept"))


def seconds_per_step(layout, allocator, size, batch_size, steps):
    """The median of `steps` training steps, after two for warming up."""
    if allocator == "kept":
        keep_freed_memory()
    framework, device = PyTorch(), torch.device("cpu")
    recipe, spec = Recipe(classes=("a", "b", "c")), model_spec("yolov3-tiny", 3)
    model = framework.build(spec, device)
    framework.assign(model, initial_arrays(framework.shapes(model), 0, spec))
    learner = framework.learner(model, spec, recipe, device)
    if layout == "nchw":
        model.to(memory_format=torch.contiguous_format)
        normalize = model.normalize.forward
        model.normalize.forward = lambda images: normalize(images).contiguous()
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, size / 2, (12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, size / 2, (12, 2))], axis=1).astype(np.float32)
    targets = assign([boxes] * batch_size, [np.arange(12) % 3] * batch_size, spec, (size, size))
    images = rng.integers(0, 256, (batch_size, size, size, 3), dtype=np.uint8)
    times = []
    for _ in range(steps + 2):
        started = time.perf_counter()
        float(learner.step(Batch(images, targets, [], 0), 1e-4)["loss"])
        times.append(time.perf_counter() - started)
    return float(np.median(times[2:]))


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=416)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--only", nargs=2, metavar=("LAYOUT", "ALLOCATOR"), help="print the seconds of one setting")
    args = parser.parse_args()
    if args.only:
        print(seconds_per_step(*args.only, args.size, args.batch_size, args.steps))
        return
    numbers = [f"--{name}={value}" for name, value in (("size", args.size), ("batch-size", args.batch_size))]
    first = None
    print("| layout | freed memory | s/step | images/s | times as fast |\n| --- | --- | --- | --- | --- |")
    for layout, allocator in SETTINGS:
        command = [sys.executable, __file__, *numbers, f"--steps={args.steps}", "--only", layout, allocator]
        seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first = first or seconds
        print(f"| {layout} | {allocator} | {seconds:.2f} | {args.batch_size / seconds:.1f} | {first / seconds:.2f} |")


if __name__ == "__main__":
    main()
