"""train.py of every framework: from the command line to a finished run."""

import argparse
from pathlib import Path

from trizoo.commands.cli import (
    INTERRUPTED,
    add_common_flags,
    add_mask_flags,
    add_weights_flags,
    choose_device,
    find_weights,
    positive_int,
    say,
    size_argument,
)
from trizoo.families import ARCHITECTURES, architecture, check_input_size
from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError
from trizoo.recipes.describe import describe, dump
from trizoo.recipes.load import from_dict, load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import build_model, build_trainer
from trizoo.training.data import open_data
from trizoo.training.finish import finish
from trizoo.training.progress import Progress
from trizoo.training.run import RunFolder, next_run
from trizoo.weights.checkpoint import load as load_checkpoint
from trizoo.weights.checkpoint import load_recipe

DEFAULT_RECIPE = "yolov3-tiny"
SYNTHETIC_RECIPE = "yolov3-tiny-synthetic"
OVERFIT_ITERATIONS = 400
OVERFIT_BATCH = 8

# flag -> the recipe's key that it sets
FLAGS = {
    "data": "data.root",
    "epochs": "schedule.epochs",
    "iterations": "schedule.iterations",
    "batch_size": "schedule.batch_size",
    "input_size": "input_size",
    "lr": "schedule.lr",
    "precision": "precision",
    "compile": "compile",
    "seed": "seed",
    "overfit": "data.overfit",
    "mask_map": "data.mask_map",
    "palette": "data.palette",
}
FIXED_ON_RESUME = (
    *("model", "recipe", "weights", "out", "batch_size", "input_size"),
    *("lr", "precision", "seed", "overfit", "mask_map", "palette"),
)


def parser():
    """The command line of train.py."""
    flags = argparse.ArgumentParser(
        prog="train.py",
        description="Train a model. Without arguments: YOLOv3-tiny on drawings of the zoo's own, in a few minutes.",
    )
    models = ", ".join(ARCHITECTURES)
    flags.add_argument("--model", metavar="NAME", help=f"one of {models} (default: yolov3-tiny)")
    flags.add_argument("--data", metavar="ROOT", help="data set in VOC layout, or with masks (README)")
    length = flags.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=positive_int, metavar="N", help="length of the run in epochs")
    length.add_argument("--iterations", type=positive_int, metavar="N", help="length of the run in steps")
    flags.add_argument("--batch-size", type=positive_int, metavar="N")
    flags.add_argument("--input-size", type=size_argument, metavar="N|WxH", help="pixels; YOLO: multiples of 32")
    flags.add_argument("--lr", type=float, metavar="X", help="peak learning rate as it is, not scaled by batch size")
    flags.add_argument("--workers", type=int, metavar="N", help="loader processes; 0 = none (default: by the cores)")
    flags.add_argument("--precision", choices=("fp32", "bf16", "fp16"))
    flags.add_argument(
        "--compile", action="store_const", const=True, help="the step, by torch.compile or XLA; slow to start"
    )
    add_mask_flags(flags)
    add_weights_flags(flags, "what to fine-tune from, classes may differ")
    flags.add_argument("--resume", metavar="RUN", help="run folder to go on with, exactly where it stopped")
    flags.add_argument("--out", metavar="RUN", help="run folder to make (default: the next runs/MODEL-NNN)")
    flags.add_argument("--seed", type=int, metavar="N", help="of weights, order and augmentation (default: 0)")
    flags.add_argument("--recipe", metavar="FILE", help="YAML file, or the name of a recipe that comes with the zoo")
    flags.add_argument(
        "--set", action="append", default=[], metavar="key=value", help="any value of the recipe; may be repeated"
    )
    flags.add_argument(
        "--overfit", type=positive_int, metavar="N", help="sanity run: train and evaluate on N images, unaugmented"
    )
    flags.add_argument("--print-recipe", action="store_true", help="show every value and its origin, and stop")
    flags.add_argument("--quiet", action="store_true", help="no progress, only the lines that matter")
    add_common_flags(flags)
    return flags


def train(framework, argv=None):
    """train.py of every framework. Returns the exit code."""
    args = parser().parse_args(argv)
    if args.workers is not None and args.workers < 0:
        raise UserError(f"--workers is {args.workers}; 0 (no processes) or more is needed")
    run = RunFolder.open(args.resume) if args.resume else None
    if run is None:
        args.weights = find_weights(args, _wanted_model(args))
    loaded = resumed_recipe(args, run) if run else new_recipe(args)
    if args.print_recipe:
        say(describe(loaded).rstrip("\n"))
        return 0
    check_input_size(loaded.recipe.model.name, loaded.recipe.input_size)
    device = choose_device(framework, args.device)
    recipe, sources = open_data(loaded.recipe, say)
    checkpoint = load_checkpoint(run.last) if run else None
    if checkpoint and checkpoint.framework != framework.name:
        say(f"run: begun with {checkpoint.framework}, goes on with {framework.name} after step {checkpoint.step}")
    model = build_model(framework, recipe, device, say, weights=args.weights, checkpoint=checkpoint)
    if run is None:
        run = RunFolder.create(args.out or next_run(Path("runs"), recipe.model.name))
    say(f"run: {run.path}")
    with Progress(quiet=args.quiet) as progress:
        trainer = build_trainer(
            framework,
            model,
            recipe,
            sources,
            run=run,
            progress=progress,
            device=device,
            workers=default_workers() if args.workers is None else args.workers,
            pretrained=checkpoint.state["notes"]["pretrained"] if checkpoint else args.weights is not None,
            checkpoint=checkpoint,
        )
        say(f"plan: {trainer.plan}")
        run.write_text(run.recipe_path, dump(recipe))
        run.truncate(trainer.step)
        trainer.save_last()
        trainer.fit()
    if trainer.stopped:
        say(f"stopped after step {trainer.step}; go on with: --resume {run.path}")
        return INTERRUPTED
    finish(trainer, sources.test, say)
    return 0


def new_recipe(args):
    """The recipe of a new run: command line > file > base > default.

    Without --recipe the base is the one that comes with the model. Weights bring their own model section, below what a
    recipe file itself or the command line says, but above bases.
    """
    overrides = []
    if args.model:
        architecture(args.model)
        overrides.append(("model.name", args.model, "command line --model"))
    saved = load_recipe(args.weights)["model"] if args.weights else None
    own_data = args.data or any(text.startswith("data.root=") for text in args.set)
    base = None
    if args.recipe is None:
        base = args.model or (saved and saved["name"]) or (DEFAULT_RECIPE if own_data else SYNTHETIC_RECIPE)
    if saved:
        given = load(Recipe, file=args.recipe, base=base, overrides=overrides)
        if given.recipe.model.name != saved["name"]:
            raise UserError(f"{args.weights} holds {saved['name']}, which doesn't fit {given.recipe.model.name}")
        origins = {key: given.origins.get(f"model.{key}", "given") for key in saved}
        silent = [key for key, origin in origins.items() if origin == "default" or origin.startswith("base ")]
        overrides += [(f"model.{key}", saved[key], f"weights {args.weights}") for key in silent]
    return load(Recipe, file=args.recipe, base=base, overrides=overrides + flag_overrides(args))


def _wanted_model(args):
    """The model that --model or a recipe file says, None without them."""
    if args.model or args.recipe is None:
        return args.model
    return load(Recipe, file=args.recipe).recipe.model.name


def flag_overrides(args):
    """(key, value, origin) of the flags that set values of the recipe, then of --set."""
    overrides = []
    if args.overfit:
        origin = "command line --overfit"
        overrides += [
            ("augment", [], origin),
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
        if value is None:
            continue
        origin = f"command line --{flag.replace('_', '-')}"
        if flag in ("epochs", "iterations"):
            overrides += [("schedule.epochs", None, origin), ("schedule.iterations", None, origin)]
        if flag == "batch_size":
            overrides.append(("freeze.batch_size", None, origin))
        if flag == "lr":
            overrides.append(("schedule.lr_batch", None, origin))
        if flag == "palette":
            value, ignored = value
            overrides.append(("data.ignore_colours", list(ignored), origin))
        overrides.append((key, list(value) if isinstance(value, tuple) else value, origin))
    return overrides + [parse_assignment(text) for text in args.set]


def resumed_recipe(args, run):
    """The recipe of the run to resume; only its length and the place of its data may change."""
    changed = [f"--{flag.replace('_', '-')}" for flag in FIXED_ON_RESUME if getattr(args, flag) is not None]
    changed += [f"--set {text}" for text in args.set]
    if changed:
        raise UserError(
            f"{changed[0]} can't be changed in a resumed run; leave it out, or start anew with --weights {run.last}"
        )
    recipe = from_dict(Recipe, load_recipe(run.last), f"checkpoint {run.last}")
    if not args.data and not Path(recipe.data.root).exists():
        raise UserError(f"the data of {run.path}, {recipe.data.root}, is not there any more; --data ROOT says where")
    overrides = [(key, value, f"run {run.path}") for key, value in to_dict(recipe).items()]
    return load(Recipe, overrides=overrides + flag_overrides(args))


def default_workers():
    """Loader processes for this machine: half the cores that we may use, at most 8."""
    return max(1, min(8, available_cores() // 2))
