"""What `trizoo summary` does: a model's layers, parameters, multiply-adds and speed."""

import time

import numpy as np

from trizoo.commands.cli import say
from trizoo.families import ARCHITECTURES, architecture, check_input_size, model_spec
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.weights.layers import count_macs, count_parameters, layers_of
from trizoo.weights.names import NUM_CLASSES

MASK_CLASSES = 21  # of segmentation models: VOC's, which the public weights have
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
    if args.speed:
        seconds = forward_seconds(framework, model, device, args.batch_size, size)
        say(f"speed: {seconds:.2f} s for {args.batch_size} images, {args.batch_size / seconds:.1f} images/s")
    return 0


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
