"""evaluate.py and predict.py of every framework."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import (
    add_flags_of_use,
    add_weights_flags,
    check_flags,
    choose_device,
    find_weights,
    say,
)
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.tasks import task_of
from trizoo.training.build import load_model
from trizoo.training.data import final_set


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
