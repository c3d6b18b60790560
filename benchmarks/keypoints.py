"""Key points from file to result beside YOLOv3-tiny at the same size: images/s, and the memory of a training.

Untrained networks on the zoo's own strips of 1920x320. Sides take turns, the best turn counts. Each training
is two steps in a process of its own, whose largest resident size the system tells.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trizoo.data.synthetic import KINDS, synthesize
from trizoo.framework import FRAMEWORKS, find
from trizoo.tasks import task_of
from trizoo.training.recipe import new_recipe
from trizoo.training.specs import spec_of

DRAWN = KINDS["keypoints"]
MODELS = ("keypoints-stride32", "keypoints-stride16", "yolov3-tiny")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=tuple(FRAMEWORKS), required=True)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--train", choices=MODELS, help="two steps of a training in this process, and its memory")
    parser.add_argument("--data", help="of --train")
    args = parser.parse_args()
    if args.train:
        train(args)
        return
    framework = find(args.framework).open()
    print(f"{framework.versions()}, {framework.describe_device(framework.device('cpu'))}, wall time")
    print("| model | images/s, one at a time | times | images/s, batches | times | peak of a training, MiB |")
    print("| --- " * 6 + "|")
    with tempfile.TemporaryDirectory() as folder:
        data = synthesize(Path(folder, "strips"), args.images, kind="keypoints")
        files = sorted(data.glob("JPEGImages/*.jpg"))
        pipelines = {name: pipeline(framework, name) for name in MODELS}
        speeds = {name: [] for name in MODELS}
        for batch in (1, args.batch_size):
            best = dict.fromkeys(MODELS, float("inf"))
            for _ in range(args.turns):
                for name, use in pipelines.items():
                    started = time.perf_counter()
                    for _ in use(files, batch):
                        pass
                    best[name] = min(best[name], time.perf_counter() - started)
            for name in MODELS:
                speeds[name] += [len(files) / best[name], best["yolov3-tiny"] / best[name]]
        for name in MODELS:
            numbers = " | ".join(f"{value:.2f}" for value in speeds[name])
            print(f"| {name} | {numbers} | {memory(args, name, data):,} |", flush=True)


def pipeline(framework, name):
    """What predicts, of an untrained network."""
    values = [("classes", DRAWN.classes, "here"), ("input_size", DRAWN.size, "here"), ("resize", "stretch", "here")]
    recipe = new_recipe(values, model=name, origin="here").recipe
    spec, device = spec_of(recipe), framework.device("cpu")
    return task_of(name).pipeline(framework, framework.build(spec, device, seed=0), spec, recipe, device)


def memory(args, name, data):
    """The peak of a training, in MiB."""
    command = [sys.executable, __file__, "--framework", args.framework, "--train", name, "--data", str(data)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def train(args):
    """Two steps at the recipe's batch size; the last line is the process's peak in MiB."""
    from trizoo import api

    values = {"model.name": args.train, "data.root": args.data, "schedule.iterations": 2, "resize": "stretch"}
    values |= {"input_size": DRAWN.size, "classes": DRAWN.classes}
    with tempfile.TemporaryDirectory() as folder:
        api.train(values, args.framework, out=Path(folder, "run"), device="cpu", workers=0, quiet=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    sys.stdout.flush()
    os._exit(0)  # frameworks take seconds to go


if __name__ == "__main__":
    main()
