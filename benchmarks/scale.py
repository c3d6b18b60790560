"""What training on COCO costs on many devices, from what is measured on one, and what then is the limit.

    python benchmarks/scale.py                                   # measures this machine, predicts 1, 8 and 64 devices
    python benchmarks/scale.py --check 2                         # two processes here: predicted and measured step
    python benchmarks/scale.py --faster 500 --network 12.5       # of a device 500 times as fast, 12.5 GB/s between them

A step takes fixed + each * share seconds of arithmetic, of which `each` goes with the images of a device's share; then
gradients are summed in a ring, which takes 2 (n - 1) / n of their bytes through the slowest link and 2 (n - 1) times
its latency (Patarasuk & Yuan 2009); batch norms sum five small tensors each, there and back through a tree of log2 n
levels. None of it overlaps. Loader processes work meanwhile: where they make fewer images than the rest takes, they are
the limit.

Of several steps the fastest counts. On a busy machine `--cpu` goes by seconds of the CPU instead, of all threads.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import distributed, nn

from torch_zoo.framework import PyTorch
from torch_zoo.processes import total
from trizoo.data.synthetic import synthesize
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.tasks import task_of
from trizoo.training.dataset import TrainingSet
from trizoo.training.memory import made_up
from trizoo.training.schedule import RunPlan
from trizoo.training.specs import spec_of
from trizoo.weights.layers import count_parameters

COCO = 118_287  # images of train2017
SUMS = 5  # of a batch norm: pixels, sums and squares on the way there, two gradients on the way back
SMALL = 4 * 512  # bytes of such a sum
LOADED = 48  # images that the loader is timed by


@dataclass(frozen=True)
class Costs:
    """What is measured, in seconds, bytes and images.

    Args:
        fixed, each: seconds of a step, and of each image in it, on one device
        gradients: bytes
        norms: batch norms
        loaded: images a second that one core makes
        bandwidth: bytes a second through the slowest link
        latency: seconds of a message
    """

    fixed: float
    each: float
    gradients: int
    norms: int
    loaded: float
    bandwidth: float
    latency: float

    def arithmetic(self, share):
        """Seconds of a device's share of a step."""
        return self.fixed + self.each * share

    def summing(self, devices):
        """Seconds of a step in which devices tell each other sums."""
        if devices == 1:
            return 0.0
        ring, tree = 2 * (devices - 1), 2 * math.ceil(math.log2(devices))
        gradients = ring / devices * self.gradients / self.bandwidth + ring * self.latency
        norms = self.norms * SUMS * tree * (SMALL / self.bandwidth + self.latency)
        return gradients + norms

    def step(self, devices, share, cores):
        """Seconds of a step, and what limits it: "arithmetic", "sums" or "loading".

        Args:
            cores: loader processes of each device
        """
        arithmetic, summing, loading = self.arithmetic(share), self.summing(devices), share / (cores * self.loaded)
        if loading > arithmetic + summing:
            return loading, "loading"
        return arithmetic + summing, "sums" if summing > arithmetic else "arithmetic"


def learner_of(model, size, own_norms=False):
    """(learner, spec, recipe) of a model from scratch, at a square input.

    Args:
        own_norms: whether each device's batch norms go by its own share, and sum nothing
    """
    base, overrides = base_of(model)
    recipe = load(Recipe, base=base, overrides=overrides).recipe
    classes = tuple(f"class {number}" for number in range(80))
    changes = {"classes": classes, "input_size": (size, size), "sync_batch_norm": not own_norms}
    recipe = recipe.model_copy(update=changes)
    framework, spec = PyTorch(), spec_of(recipe)
    device = framework.device("cpu" if not torch.cuda.is_available() else "auto")
    network = framework.build(spec, device)
    return framework.learner(network, spec, recipe, device), spec, recipe


def fastest(function, times):
    """The least (seconds, seconds of the CPU) of calls, after one for warming up."""
    function()
    seconds, cpu = [], []
    for _ in range(times):
        started, used = time.perf_counter(), time.process_time()
        function()
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return min(seconds), min(cpu)


def step_of(learner, spec, recipe, images):
    """A function that takes a step of so many images, and waits for it."""
    batch = made_up(spec, recipe, recipe.input_size, images)
    return lambda: float(learner.step(batch, 1e-4)["loss"])


def measured(model, size, batch, times, clock):
    """Costs of one device, without a link; and [(images, seconds, seconds of the CPU)] of the steps they come from.

    Args:
        clock: 1 for seconds, 2 for those of the CPU
    """
    learner, spec, recipe = learner_of(model, size)
    steps = [(images, *fastest(step_of(learner, spec, recipe, images), times)) for images in (batch // 2, batch)]
    (few, many), (short, long) = ([step[place] for step in steps] for place in (0, clock))
    each = max(0.0, (long - short) / (many - few))
    framework = PyTorch()
    return (
        Costs(
            fixed=max(0.0, long - each * many),
            each=each,
            gradients=4 * count_parameters(framework.shapes(learner.model)),
            norms=sum(isinstance(module, nn.BatchNorm2d) for module in learner.model.modules()),
            loaded=images_per_core(model, size),
            bandwidth=math.inf,
            latency=0.0,
        ),
        steps,
    )


def images_per_core(model, size, root=None):
    """Images a second that the recipe's loader makes by one core, from its seconds of the CPU."""
    root = root or synthesize(Path("data") / "scale", images=LOADED, size=(640, 480))
    base, overrides = base_of(model)
    overrides = [*overrides, ("data.root", str(root), "benchmark"), ("input_size", [size, size], "benchmark")]
    recipe = load(Recipe, base=base, overrides=overrides).recipe
    task = task_of(model)
    listing = task.find(recipe.data)
    source = task.open(listing, recipe.data, "train", ())
    recipe = recipe.model_copy(update={"classes": source.classes})
    spec = spec_of(recipe)
    made = TrainingSet(source, list(range(len(source))), recipe, spec, room=0)
    plan = RunPlan(recipe.schedule, recipe.freeze, len(source), 0, False)
    count, used = 0, time.process_time()
    for step in range(max(1, LOADED // recipe.schedule.batch_size)):
        count += len(made(plan.batch_plan(step)).images)
    return count / (time.process_time() - used)


def one(model, size, batch, times, own_norms):
    """Of one of the processes that torchrun started: the link, and a step of this process's share; as JSON."""
    learner, spec, recipe = learner_of(model, size, own_norms)
    count = count_parameters(PyTorch().shapes(learner.model))
    large = fastest(lambda: total(torch.zeros(count)), 3 * times)
    small = fastest(lambda: total(torch.zeros(SMALL // 4)), 10 * times)
    world = PyTorch().world()
    step = fastest(step_of(learner, spec, recipe, batch // world.size), times)
    if world.is_first:
        print(json.dumps({"large": large, "small": small, "step": step}), flush=True)
    distributed.barrier()


def check(costs, model, size, batch, times, processes, clock, own_norms):
    """Prints a step of processes here: predicted from one process and the link between them, and measured."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += [__file__, "--one", "--model", model, "--input-size", str(size), "--batch-size", str(batch)]
    command += ["--steps", str(times), *(["--own-norms"] if own_norms else [])]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    ring = 2 * (processes - 1)
    large, small, seconds = (found[name][clock - 1] for name in ("large", "small", "step"))
    latency = small / ring
    bandwidth = ring / processes * costs.gradients / max(1e-9, large - small)
    known = replace(costs, latency=latency, bandwidth=bandwidth)
    share = batch // processes
    predicted = known.arithmetic(share) + known.summing(processes)
    print(f"link: {bandwidth / 1e9:.2f} GB/s, {latency * 1e6:.0f} us a message")
    print("\n| processes | images each | arithmetic, s | sums, s | predicted, s | measured, s | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {processes} | {share} | {known.arithmetic(share):.3f} | {known.summing(processes):.3f} | {predicted:.3f} | "
        f"{seconds:.3f} | {predicted / seconds:.2f} |"
    )


def predict(costs, share, cores, epochs):
    """Prints what COCO costs on 1, 8 and 64 devices."""
    print("\n| devices | images a step | step, s | images/s | an epoch, min | all, h | efficiency | limit |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    alone = share / costs.step(1, share, cores)[0]
    for devices in (1, 8, 64):
        seconds, limit = costs.step(devices, share, cores)
        speed = devices * share / seconds
        hours = COCO / speed / 3600
        print(
            f"| {devices} | {devices * share} | {seconds:.3f} | {speed:,.1f} | {60 * hours:.3g} | "
            f"{hours * epochs:.3g} | {speed / devices / alone:.2f} | {limit} |"
        )


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="yolov3-tiny")
    parser.add_argument("--input-size", type=int, default=416, help="side in pixels (default: 416)")
    parser.add_argument("--batch-size", type=int, default=8, help="images of a device's step (default: 8)")
    parser.add_argument("--steps", type=int, default=5, help="of which the fastest counts (default: 5)")
    parser.add_argument("--own-norms", action="store_true", help="as with sync_batch_norm=false")
    parser.add_argument("--cpu", action="store_true", help="go by seconds of the CPU, on a busy machine")
    parser.add_argument("--check", type=int, metavar="N", help="compare with N processes here")
    parser.add_argument("--one", action="store_true", help="measure as one of the processes of --check")
    parser.add_argument("--network", type=float, default=1.25, help="GB/s of the slowest link (default: 1.25)")
    parser.add_argument("--latency", type=float, default=50, help="microseconds of a message (default: 50)")
    parser.add_argument("--cores", type=int, default=8, help="loader processes of each device (default: 8)")
    parser.add_argument("--faster", type=float, default=1.0, help="than this device, that predicted ones are")
    parser.add_argument("--epochs", type=int, default=100, help="of the whole training (default: 100)")
    args = parser.parse_args()
    if args.one:
        one(args.model, args.input_size, args.batch_size, args.steps, args.own_norms)
        return
    clock = 2 if args.cpu else 1
    costs, steps = measured(args.model, args.input_size, args.batch_size, args.steps, clock)
    for images, seconds, cpu in steps:
        print(f"step of {images} images: {seconds:.3f} s ({cpu:.3f} s of the CPU)")
    print(f"so {costs.fixed:.3f} s and {costs.each:.4f} s an image; {costs.loaded:.1f} images/s loaded by a core")
    if args.own_norms:
        costs = replace(costs, norms=0)
    print(f"gradients: {costs.gradients / 1e6:.1f} MB; batch norms: {costs.norms}")
    if args.check:
        check(costs, args.model, args.input_size, args.batch_size, args.steps, args.check, clock, args.own_norms)
        return
    costs = replace(
        costs,
        fixed=costs.fixed / args.faster,
        each=costs.each / args.faster,
        bandwidth=args.network * 1e9,
        latency=args.latency * 1e-6,
    )
    predict(costs, args.batch_size, args.cores, args.epochs)


if __name__ == "__main__":
    main()
