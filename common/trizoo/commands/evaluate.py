"""What evaluate.py of every framework does, and `trizoo evaluate`."""

import json
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import Choice, check_flags, find_weights, say
from trizoo.commands.flags.evaluate import parser
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.tasks import task_of
from trizoo.training.build import make_model, read_model
from trizoo.training.data import final_set, tell_problems


def evaluate(framework, argv=None):
    """evaluate.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    args.weights = find_weights(args)
    read = read_model(args.weights)
    task = task_of(read.spec.name)
    check_flags(args, "evaluate", read.spec.name, task.name)
    read = replace(read, recipe=_with_data(read.recipe, args))
    data = final_set(read.recipe, args.split)
    framework, device = choice.start(args.device)
    recipe, model = make_model(framework, read, device, args.precision)
    say(f"data: {recipe.data.root}, {len(data.records)} images ({data.split})")
    tell_problems(data.problems, "data", recipe.data.root, say)
    metrics, found = task.as_asked(data, args).measure(task.evaluator(framework, model, read.spec, recipe, device))
    say(task.table(metrics))
    if args.json:
        text = json.dumps({**metrics, "split": data.split}, ensure_ascii=False, allow_nan=False, indent=2)
        write_atomically(args.json, text + "\n")
        say(f"metrics: {args.json}")
    if args.plots:
        data.write_report(args.plots, found)
        say(f"plots: {args.plots}")
    return 0


def _with_data(recipe, args):
    """The recipe with the data set to measure on."""
    if args.data:
        places = {"layout": args.layout, "images": args.images, "annotations": args.annotations}
        data = recipe.data.model_copy(update={"root": args.data, "overfit": 0, **places})
        return recipe.model_copy(update={"data": data})
    if args.layout or args.images or args.annotations:
        raise UserError("--layout, --images and --annotations say how the files of --data lie; give --data too")
    if recipe.data.root is None:
        raise UserError(f"{args.weights} was not trained here, so it names no data; --data ROOT says which")
    if not Path(recipe.data.root).exists():
        raise UserError(
            f"the data that {args.weights} was trained on, {recipe.data.root}, is not there; --data ROOT says where"
        )
    return recipe
