"""What train.py of every framework does, and `trizoo train`: from the flags to a finished run."""

import signal
from contextlib import nullcontext

from trizoo.commands.cli import INTERRUPTED, REFUSED, Choice, check_flags, find_checkpoint, find_weights, say
from trizoo.commands.flags.train import parser
from trizoo.data.finding import is_there
from trizoo.families import architecture
from trizoo.ground.errors import UserError
from trizoo.ground.text import quoted
from trizoo.recipes.describe import describe
from trizoo.recipes.load import load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tasks import FLAGS as TASK_FLAGS
from trizoo.training.data import check_root
from trizoo.training.distill import check_has_one
from trizoo.training.find_lr import find_lr
from trizoo.training.recipe import check_anchored, check_frozen, new_recipe, smallest_batch, wanted_model
from trizoo.training.resume import recipe_of as recipe_of_run
from trizoo.training.run import RunFolder
from trizoo.training.schedule import AUTO
from trizoo.training.specs import check_model
from trizoo.training.train import check_workers
from trizoo.training.train import train as train_recipe
from trizoo.training.world import World, alone, by_torchrun, is_first_here, started

OVERFIT_ITERATIONS = 400
OVERFIT_BATCH = 8

# flag -> the recipe's key that it sets
FLAGS = {
    "data": "data.root",
    "layout": "data.layout",
    "images": "data.images",
    "annotations": "data.annotations",
    "epochs": "schedule.epochs",
    "iterations": "schedule.iterations",
    "batch_size": "schedule.batch_size",
    "input_size": "input_size",
    "anchors": "anchors",
    "lr": "schedule.lr",
    "precision": "precision",
    "compile": "compile",
    "seed": "seed",
    "overfit": "data.overfit",
    "limit": "data.limit",
    "teacher": "distill.teacher",
}
TASKS_OWN = tuple(dict.fromkeys(flag for task in TASK_FLAGS.values() for flag in task.train))
FIXED_ON_RESUME = (
    *("model", "recipe", "weights", "out", "batch_size", "input_size", "lr", "precision", "seed"),
    *("overfit", "limit", "find_lr", "anchors"),
    *(flag.name for flag in TASKS_OWN),
)


def train(framework, argv=None):
    """train.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code.

    Of processes that share a training one alone raises an error that all have met.
    """
    world = World()
    try:
        if args.find_lr is not None:
            alone("--find-lr")
        if not args.print_recipe and started().size > 1:
            world = choice.open().world()
        return _run_held(args, choice)
    except (UserError, OSError):
        if by_torchrun():  # which ends the others where one has ended: each has its own exit code
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        tells = world.tells()
        world.end(failed=True)
        if tells:
            raise
        return REFUSED


def _run_held(args, choice):
    check_workers(args.workers)
    folder = None if args.resume is None else RunFolder.open(args.resume)
    held = folder is not None and not args.print_recipe and started().is_first
    with folder.held() if held else nullcontext():
        return _run(args, choice, folder)


def _run(args, choice, folder):
    if folder is None:
        args.weights = find_weights(args, wanted_model(args.model, args.recipe, flag_overrides(args)))
    args.teacher = find_checkpoint(args.teacher, args.offline)
    loaded = resumed_recipe(args, folder) if folder else recipe_of(args)
    model_name = loaded.recipe.model.name
    check_flags(args, "train", model_name, architecture(model_name).task)
    check_model(loaded.recipe)
    if args.print_recipe:
        if not is_first_here():
            return 0
        say(describe(loaded).rstrip("\n"))
        if args.batch_size == AUTO:
            say("schedule.batch_size will be what memory has room for (--batch-size auto)")
        return 0
    if folder is None and args.out is not None and started().is_first:
        RunFolder.check_new(args.out)
    check_root(loaded.recipe.data.root)
    if args.find_lr is not None and args.batch_size == AUTO:
        raise UserError("--find-lr looks for the rate of one batch size, and --batch-size is auto; a number is needed")
    if args.find_lr is not None and args.layer_stats:
        raise UserError("--find-lr trains nothing that --layer-stats could look at; leave one of them out")
    framework, device = choice.start(args.device, _say_of_all)
    if args.find_lr is not None:
        options = {"weights": args.weights, "out": args.out, "workers": args.workers, "quiet": args.quiet}
        find_lr(framework, loaded.recipe, device, _say_of_all, steps=args.find_lr, **options)
        return 0
    done = train_recipe(
        framework,
        loaded.recipe,
        device,
        _say_of_all,
        run=folder,
        weights=args.weights,
        out=args.out,
        workers=args.workers,
        quiet=args.quiet,
        track=args.track,
        fit_batch=args.batch_size == AUTO,
        layer_stats=args.layer_stats,
    )
    return INTERRUPTED if done.metrics is None else 0


def _say_of_all(text):
    """Lines for a person, which of processes that train together the first alone says."""
    if started().is_first:
        say(text)


def recipe_of(args):
    """The recipe of a new run: command line > file > base > default; see `trizoo.training.recipe.new_recipe`."""
    loaded = new_recipe(
        flag_overrides(args), model=args.model, file=args.recipe, weights=args.weights, origin="command line --model"
    )
    if args.weights is None:
        check_frozen(loaded, args.recipe)
    check_anchored(loaded, args.anchors)
    return loaded


def flag_overrides(args):
    """(key, value, origin) of the flags that set values of the recipe, then of --set."""
    overrides = []
    if args.overfit:
        origin = "command line --overfit"
        overrides += [
            ("augment", [], origin),
            ("multi_scale.sizes", (), origin),
            ("multi_scale.low", 1.0, origin),
            ("multi_scale.high", 1.0, origin),
            ("freeze.epochs", 0, origin),
            ("schedule.epochs", None, origin),
            ("schedule.iterations", OVERFIT_ITERATIONS, origin),
            ("schedule.batch_size", min(args.overfit, OVERFIT_BATCH), origin),
            ("evaluate.every", 50, origin),
        ]
    for flag, key in FLAGS.items():
        value = getattr(args, flag)
        if value is None or (flag == "batch_size" and value == AUTO):
            continue
        origin = f"command line --{flag.replace('_', '-')}"
        if flag in ("epochs", "iterations"):
            overrides += [("schedule.epochs", None, origin), ("schedule.iterations", None, origin)]
        if flag == "batch_size":
            overrides.append(("freeze.batch_size", None, origin))
        if flag == "lr":
            overrides.append(("schedule.lr_batch", None, origin))
        overrides.append((key, list(value) if isinstance(value, tuple) else value, origin))
    for flag in TASKS_OWN:
        value = getattr(args, flag.name)
        if value is not None:
            overrides += [(key, setting, f"command line {flag.option}") for key, setting in flag.sets(value).items()]
    overrides += [parse_assignment(text) for text in args.set]
    if args.batch_size == AUTO:
        overrides += smallest_batch(overrides, args.recipe, "command line --batch-size")
    return overrides


def resumed_recipe(args, run):
    """The recipe of the run to resume; only its length and the place of its data may change."""
    changed = [f"--{flag.replace('_', '-')}" for flag in FIXED_ON_RESUME if getattr(args, flag) is not None]
    changed += [f"--set {text}" for text in args.set]
    if changed:
        raise UserError(
            f"{changed[0]} can't be changed in a resumed run; leave it out, or start a new run with "
            f"--weights {quoted(run.last)}"
        )
    recipe = recipe_of_run(run)
    if not args.data and not is_there(recipe.data.root):
        raise UserError(f"the data of {run.path}, {recipe.data.root}, is not there any more; --data ROOT says where")
    if args.teacher is not None:
        check_has_one(recipe, run)
    overrides = [(key, value, f"run {run.path}") for key, value in to_dict(recipe).items()]
    return load(Recipe, overrides=overrides + flag_overrides(args))
