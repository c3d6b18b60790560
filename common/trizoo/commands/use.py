"""evaluate.py and predict.py of every framework."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import (
    add_common_flags,
    add_weights_flags,
    choose_device,
    find_weights,
    positive_int,
    say,
    share,
)
from trizoo.data.sources import find_images
from trizoo.ground.boxes import NMS_METHODS
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tasks import TASKS, task_of
from trizoo.tasks.segmentation import VIEWS
from trizoo.tasks.writers import output_names, write_json
from trizoo.training.session import final_set, spec_of
from trizoo.weights.checkpoint import load as load_checkpoint
from trizoo.weights.report import strict


def evaluate_parser():
    """The command line of evaluate.py."""
    flags = argparse.ArgumentParser(prog="evaluate.py", description="Measure a checkpoint on a data set.")
    add_weights_flags(flags, "what to measure", required=True)
    flags.add_argument("--data", metavar="ROOT", help="data set (default: the one it was trained on)")
    flags.add_argument("--split", metavar="NAME", help="default: test, else val, else what it was trained on")
    flags.add_argument("--json", metavar="FILE", help="write the metrics there")
    flags.add_argument("--plots", metavar="DIR", help="write curves and the confusion matrix there: PNG, JSON, CSV")
    flags.add_argument(
        "--boundary", action="store_true", help="segmentation models: boundary IoU too, some 15 ms an image"
    )
    add_flags_of_use(flags)
    return flags


def evaluate(framework, argv=None):
    """evaluate.py of every framework. Returns the exit code."""
    args = evaluate_parser().parse_args(argv)
    args.weights = find_weights(args)
    device = choose_device(framework, args.device)
    recipe, spec, model = load_model(framework, args.weights, device, args.precision)
    task = task_of(spec.name)
    check_flags(args, spec.name, task)
    if args.data:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": args.data, "overfit": 0})})
    elif recipe.data.root is None:
        raise UserError(f"{args.weights} was not trained here, so it names no data; --data ROOT says which")
    elif not Path(recipe.data.root).exists():
        raise UserError(
            f"the data that {args.weights} was trained on, {recipe.data.root}, is not there; --data ROOT says where"
        )
    data = final_set(recipe, args.split)
    say(f"data: {recipe.data.root}, {len(data.records)} images ({data.split})")
    if args.boundary:
        data = replace(data, boundary=True)
    metrics, found = data.measure(task.evaluator(framework, model, spec, recipe, device))
    say(task.table(metrics))
    if args.json:
        text = json.dumps({**metrics, "split": data.split}, ensure_ascii=False, allow_nan=False, indent=2)
        write_atomically(args.json, text + "\n")
        say(f"metrics: {args.json}")
    if args.plots:
        data.write_report(args.plots, found)
        say(f"plots: {args.plots}")
    return 0


def add_flags_of_use(flags):
    """The flags that evaluating and predicting share."""
    flags.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), help="default: as it was trained on a GPU, fp32 on a CPU"
    )
    add_common_flags(flags)


def predict_parser():
    """The command line of predict.py."""
    flags = argparse.ArgumentParser(prog="predict.py", description="Find objects in images, or segment them.")
    flags.add_argument("source", nargs="+", metavar="SOURCE", help="image, folder, or quoted pattern ('photos/*.jpg')")
    add_weights_flags(flags, "what finds them", required=True)
    flags.add_argument("--out", default="predictions", metavar="DIR", help="default: ./predictions")
    flags.add_argument("--json", action="store_true", help="write what was found to DIR/detections.json or areas.json")
    flags.add_argument("--no-pictures", action="store_true", help="don't draw")
    flags.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")
    add_flags_of_use(flags)
    add_detection_flags(flags.add_argument_group("detectors alone"))
    add_segmentation_flags(flags.add_argument_group("segmentation models alone"))
    return flags


def add_detection_flags(flags):
    """The flags of predict.py for detectors."""
    flags.add_argument("--score", type=share, metavar="X", help="lowest score shown (default: the recipe's, 0.5)")
    flags.add_argument("--nms", type=share, metavar="X", help="IoU of non-maximum suppression (default: the recipe's)")
    flags.add_argument(
        "--nms-method", choices=NMS_METHODS, help="soft lowers scores, diou drops fewer boxes (default: the recipe's)"
    )
    flags.add_argument("--voc", action="store_true", help="write a VOC annotation for each image to DIR")
    flags.add_argument("--crop", action="store_true", help="write each object as a picture of its own to DIR/crops")


def add_segmentation_flags(flags):
    """The flags of predict.py for segmentation models."""
    flags.add_argument(
        "--view", choices=VIEWS, help="colours over the image, colours alone, or what is of class 1 or above on nothing"
    )
    flags.add_argument("--masks", action="store_true", help="write masks of class ids with VOC's palette to DIR/masks")


def predict(framework, argv=None):
    """predict.py of every framework. Returns the exit code."""
    args = predict_parser().parse_args(argv)
    paths = without_results(find_images(args.source), args.out)
    names = output_names(paths, args.out)
    args.weights = find_weights(args)
    device = choose_device(framework, args.device)
    recipe, spec, model = load_model(framework, args.weights, device, args.precision)
    task = task_of(spec.name)
    check_flags(args, spec.name, task)
    pipeline = task.predictor(framework, model, spec, recipe, device, args)
    results = []
    for path, found in zip(paths, pipeline(paths, args.batch_size), strict=True):
        results.append(task.result(path, found, recipe, args))
        say(task.line(path, found, results[-1], recipe, args))
        task.write(path, names[path], found, recipe, args)
    if args.json:
        write_json(Path(args.out) / f"{task.results}.json", results)
    say(task.total(results, recipe))
    if args.json or not args.no_pictures or any(getattr(args, flag) for flag in task.files):
        say(f"written to {args.out}")
    return 0


def check_flags(args, model, task):
    """UserError for a flag that is for models of another task."""
    for other in TASKS.values():
        for flag in other.flags:
            if flag not in task.flags and getattr(args, flag, None) not in (None, False):
                raise UserError(
                    f"--{flag.replace('_', '-')} is for {other.name} and {model} does {task.name}; leave it out"
                )


def without_results(paths, out):
    """The images less those that lie in the folder of results, where an earlier call over the same folder put them."""
    out = Path(out).resolve()
    rest = [path for path in paths if out not in path.resolve().parents]
    return rest or paths


def load_model(framework, weights, device, precision=None):
    """A checkpoint as (recipe, spec, model): the classes, anchors and sizes are in it.

    precision: of its use, None for what the device is good at: as it was trained on a GPU, fp32 on a CPU.
    """
    checkpoint = load_checkpoint(weights, optimizer=False)
    recipe = from_dict(Recipe, checkpoint.recipe, f"checkpoint {weights}")
    if checkpoint.is_backbone:
        raise UserError(
            f"{weights} holds the backbone of {recipe.model.name} and nothing that predicts; train.py --weights "
            f"trains the rest, and what comes of that is needed here"
        )
    precision = precision or ("fp32" if framework.is_cpu(device) else recipe.precision)
    recipe = recipe.model_copy(update={"precision": precision})
    spec = spec_of(recipe)
    model = framework.build(spec, device)
    strict(checkpoint.weights, framework.shapes(model), weights)
    framework.assign(model, checkpoint.weights)
    return recipe, spec, model
