"""What evaluate.py of every framework does, and `trizoo evaluate`."""

import json
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import Choice, check_flags, find_weights, say, tell_precision
from trizoo.commands.flags.evaluate import parser
from trizoo.commands.published import as_published, conditions_of
from trizoo.commands.use import as_asked
from trizoo.data.finding import is_there
from trizoo.deploy.runtimes import make_model, read_model
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.ground.results import check_file, check_folder, has_keys
from trizoo.ground.text import counted
from trizoo.tasks import task_of
from trizoo.training.data import final_set, moved, tell_problems
from trizoo.training.progress import Watched


def evaluate(framework, argv=None):
    """evaluate.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    check_results(args)
    conditions = conditions_of(args.weights) if args.as_published else None
    args.weights = find_weights(args)
    read = read_model(args.weights)
    task = task_of(read.spec.name)
    check_flags(args, "evaluate", read.spec.name, task.name)
    if conditions:
        read = as_published(read, args, conditions)
    read = as_asked(read, args, "evaluate", task.name)
    read = replace(read, recipe=_with_data(read.recipe, args))
    data = final_set(read.recipe, args.split)
    framework, device = choice.start(args.device)
    recipe, model = make_model(framework, read, device, args.precision)
    tell_precision(args, recipe)
    say(f"data: {recipe.data.root}, {counted(len(data.records), 'image')} ({data.split})")
    for note in data.notes:
        say(f"data: {note}")
    tell_problems(data.problems, "data", recipe.data, say)
    pipeline = task.as_used(task.evaluator(framework, model, read.spec, recipe, device), args)
    metrics, found = task.as_asked(data, args).measure(Watched(pipeline, len(data.records)))
    say(task.table(metrics))
    if args.json:
        text = json.dumps({**metrics, "split": data.split}, ensure_ascii=False, allow_nan=False, indent=2)
        write_atomically(args.json, text + "\n")
        say(f"metrics: {args.json}")
    for line in task.write_results(data, found, read.recipe, args):
        say(line)
    if args.plots:
        data.write_report(args.plots, found)
        say(f"plots: {args.plots}")
    if args.report:
        say(f"report: {_write_page(args, recipe, task, data, metrics, found)}")
    return 0


def check_results(args):
    """UserError where --json, --plots or --report would write over something else than metrics, plots or a report."""
    if args.json:
        # a run's metrics.json has a step
        check_file(args.json, "--json", has_keys("per_class", "confusion", "split", without=("step",)))
    if args.plots:
        is_report = has_keys("per_class", "confusion", without=("split",))
        check_folder(args.plots, "--plots", lambda folder: is_report(folder / "report.json"))
    if args.report:
        from trizoo.show.evaluation import check_report  # here, since few ask for it

        check_report(args.report)


def _write_page(args, recipe, task, data, metrics, found):
    """The page of --report. Gives its path."""
    from trizoo.show.evaluation import write_page  # here, as above

    root = Path(recipe.data.root).absolute()
    facts = (
        f"{recipe.model.name} on {root.name}: {data.split}",
        f"{counted(len(data.records), 'image')} of {root} ({data.split})",
        f"weights: {Path(args.weights).absolute()}",
        f"input {recipe.input_size[0]}x{recipe.input_size[1]}, {recipe.precision}",
    )
    return write_page(args.report, task.name, data, metrics, found, facts)


def _elsewhere(recipe, args):
    """The data section of --data: as the flags say, else as the run's files lay, where they lie so there too."""
    given = {"layout": args.layout, "images": args.images, "annotations": args.annotations}
    if any(given.values()):
        return recipe.data.model_copy(update={"root": args.data, **given})
    data = moved(recipe.data, args.data)
    outside = [name for name in ("images", "annotations") if Path(getattr(data, name) or "").is_absolute()]
    data = data.model_copy(update=dict.fromkeys(outside))  # those of another data set
    if data.layout is not None:
        try:
            task_of(recipe.model.name).find(data)
        except UserError:
            data = data.model_copy(update={"layout": None})
    kept = [f"--{name} {value}" for name in given if (value := getattr(data, name)) is not None]
    if kept:
        say(f"data: read with {' '.join(kept)}, as in training; other values of these flags read others")
    return data


def _with_data(recipe, args):
    """The recipe with the data set to measure on."""
    if args.data:
        return recipe.model_copy(update={"data": _elsewhere(recipe, args).model_copy(update={"overfit": 0})})
    if args.layout or args.images or args.annotations:
        raise UserError("--layout, --images and --annotations say how the files of --data lie; give --data too")
    if recipe.data.root is None:
        raise UserError(f"{args.weights} was not trained here, so it names no data; --data ROOT says which")
    if not is_there(recipe.data.root):
        raise UserError(
            f"the data that {args.weights} was trained on, {recipe.data.root}, is not there; --data ROOT says where"
        )
    return recipe
