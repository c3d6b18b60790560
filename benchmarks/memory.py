"""The memory of a training as it is estimated before it starts, and as it is: a table of models and frameworks.

Measured is the greatest resident memory (Linux's VmHWM) of a process of its own that takes two steps on a CPU, with all
that it has loaded. With `--teacher MODEL` the models learn that one's outputs beside their labels.
"""

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path

from trizoo.commands.summary import num_classes
from trizoo.families import model_spec
from trizoo.framework import FRAMEWORKS, find
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.training.distill import Teacher
from trizoo.training.memory import MIB, estimate, made_up
from trizoo.training.specs import spec_of

CASES = {  # model -> (input's side, images of a batch)
    "yolov3-tiny": (416, 8),
    "yolov4-tiny": (416, 8),
    "yolov3": (416, 4),
    "ssd300-mobilenetv2": (300, 8),
    "ssd300-vgg16": (300, 4),
    "retinanet-resnet18": (512, 2),
    "retinanet-resnet50": (600, 2),
    "deeplabv3plus-mobilenetv2": (512, 4),
}
STEPS = 2


def one(name, model, side, batch, teacher=None):
    """{"estimated", "measured"} in bytes, of this process's training of a model in a framework.

    Args:
        teacher: the model that teaches it, None for none
    """
    base, overrides = base_of(model)
    recipe = load(Recipe, base=base, overrides=overrides).recipe
    classes = tuple(f"class {number}" for number in range(num_classes(model)))
    recipe = recipe.model_copy(
        update={
            "classes": classes,
            "input_size": (side, side),
            "distill": recipe.distill.model_copy(update={"teacher": teacher}),
            "ema": recipe.ema.model_copy(update={"decay": 0.0}),  # which the loop moves, not a step
        }
    )
    spec, framework = spec_of(recipe), find(name).open()
    device = framework.device("cpu")
    built = framework.build(spec, device)
    shapes = framework.shapes(built)
    taught = None if teacher is None else teacher_of(framework, teacher, spec, recipe, device)
    if taught is not None:
        taught.adapt(built)
    learner = framework.learner(built, spec, recipe, device, taught)
    images = made_up(spec, recipe, (side, side), batch)
    for _ in range(STEPS):
        float(learner.step(images if taught is None else taught(images), 1e-4)["loss"])
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    measured = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10
    known = estimate(framework, spec, recipe, shapes, (side, side), device, teacher=taught)
    return {"estimated": known.total(batch), "measured": measured}


def teacher_of(framework, name, spec, recipe, device):
    """The Teacher of a model that is as it was built."""
    theirs = model_spec(name, len(recipe.classes))
    model = framework.build(theirs, device)
    values = sum(math.prod(shape) for shape in framework.shapes(model).values())
    learned, outputs = spec.taught_by(theirs, recipe.input_size)
    options = (learned, outputs, recipe.distill, "fp32", device)
    return Teacher(framework, model, *options, whole=theirs, values=values)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS, help="may be repeated (default: pytorch)")
    parser.add_argument("--teacher", metavar="MODEL", help="that all learn from")
    parser.add_argument("--one", action="store_true", help="print the bytes of one, measured in this very process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.framework[0], args.models[0], *CASES[args.models[0]], args.teacher)))
        return
    print("| framework | model | input, batch | estimated, MiB | measured, MiB | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in args.framework or ["pytorch"]:
        for model in args.models or CASES:
            command = [sys.executable, __file__, "--one", model, "--framework", name]
            command += ["--teacher", args.teacher] if args.teacher else []
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            estimated, measured = (found[key] / MIB for key in ("estimated", "measured"))
            side, batch = CASES[model]
            numbers = f"{estimated:.0f} | {measured:.0f} | {estimated / measured:.2f}"
            print(f"| {name} | {model} | {side}x{side}, {batch} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
