"""What `trizoo summary` does: a model's layers, parameters, multiply-adds, memory of training and speed."""

import time

import numpy as np

from trizoo.commands.cli import say
from trizoo.families import ARCHITECTURES, architecture, check_input_size, model_spec
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.training.memory import GIB, MIB, estimate, gib
from trizoo.weights.layers import count_macs, count_parameters, layers_of
from trizoo.weights.names import NUM_CLASSES

MASK_CLASSES = 21  # of segmentation models: VOC's, which the public weights have
TIERS = (4, 6, 8, 12, 16, 24)  # GiB of memory, as machines and GPUs have them
MOST_IMAGES = 1024  # of a batch, in what is listed
RUNS = 5  # timed forward passes, of which the median counts


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    task = architecture(args.model).task
    base, overrides = base_of(args.model)
    recipe = load(Recipe, base=base, overrides=overrides).recipe
    size = args.input_size or recipe.input_size
    check_input_size(args.model, size)
    spec = model_spec(args.model, args.classes or num_classes(args.model))
    framework, device = choice.start(args.device)
    model = framework.build(spec, device, seed=None)
    calls, outputs = framework.trace(spec, size)
    shapes = framework.shapes(model)
    layers = layers_of(shapes, calls)
    for line in _table(layers):
        say(line)
    macs = count_macs(layers)
    parameters = count_parameters(shapes)
    say(f"model: {args.model}, {task}, {spec.num_classes} classes, input {size[0]}x{size[1]}")
    say(f"outputs of an image: {', '.join(map(_shape, outputs))}")
    say(f"parameters: {parameters:,} ({parameters * 4 / 1e6:.1f} MB in float32)")
    say(
        f"multiply-adds of an image: {macs / 1e9:.2f} billion, so {gflops(layers):.1f} GFLOPs (a multiply-add is two "
        f"operations; convolutions alone)"
    )
    if args.batch_size:
        known = estimate(framework, spec, recipe, shapes, size, device)
        for line in memory_lines(known, args.batch_size):
            say(line)
    if args.speed:
        images = args.batch_size or 1
        seconds = forward_seconds(framework, model, device, images, size)
        say(f"speed: {seconds:.2f} s for {images} images, {images / seconds:.1f} images/s")
    return 0


def memory_lines(known, batch):
    """Yields lines on an Estimate: what a batch of so many images takes, and which batches fit how much memory."""
    parts = {
        "parameters": known.parameters,
        "gradients": known.gradients,
        "optimizer": known.slots,
        "average of weights": known.average,
        "activations": known.activations(batch),
        "images": known.image * batch,
    }
    listed = ", ".join(f"{name} {size / MIB:,.0f}" for name, size in parts.items() if size)
    yield f"memory of training at batch {batch}, estimated: {gib(known.total(batch))}"
    yield f"  MiB: {listed}; these times {known.factor:g}, and {known.framework / MIB:,.0f} of the framework"
    fits = (f"{tier} GiB {known.largest(tier * GIB, MOST_IMAGES) or 'none'}" for tier in TIERS)
    yield f"  largest batch by memory: {', '.join(fits)}"


def num_classes(model):
    """How many classes a model's numbers are for, where nobody says."""
    return MASK_CLASSES if ARCHITECTURES[model].task == "segmentation" else NUM_CLASSES


def gflops(layers):
    """10^9 operations of the convolutions for an image, a multiply-add counted as two."""
    return 2 * count_macs(layers) / 1e9


def forward_seconds(framework, model, device, batch, size):
    """The median of the seconds that a batch takes, after one for warming up."""
    predict = framework.predictor(model, "fp32", device)
    images = np.zeros((batch, size[1], size[0], 3), np.uint8)
    predict(images)
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        predict(images)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def _table(layers):
    """Lines: a head, and one a layer."""
    rows = [("layer", "kind", "output", "parameters", "multiply-adds")]
    for layer in layers:
        kind = layer.kind if layer.calls == 1 else f"{layer.kind}, {layer.calls} times"
        rows.append((layer.name, kind, _shape(layer.output), f"{layer.parameters:,}", f"{layer.macs:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, kind, output, *numbers in rows:
        words = "  ".join(cell.ljust(width) for cell, width in zip((name, kind, output), widths, strict=False))
        yield f"{words}  {numbers[0]:>{widths[3]}}  {numbers[1]:>{widths[4]}}"


def _shape(shape):
    return "x".join(map(str, shape))
