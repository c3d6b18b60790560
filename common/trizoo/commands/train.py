"""What train.py of every framework does, and `trizoo train`: from the flags to a finished run."""

from pathlib import Path

from trizoo.commands.cli import INTERRUPTED, Choice, check_flags, find_weights, say
from trizoo.commands.flags.train import parser
from trizoo.families import architecture, backbone_of
from trizoo.ground.errors import UserError
from trizoo.recipes.describe import describe
from trizoo.recipes.load import from_dict, load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe, base_of
from trizoo.tasks import FLAGS as TASK_FLAGS
from trizoo.training.build import check_model
from trizoo.training.run import RunFolder
from trizoo.training.train import train as train_recipe
from trizoo.weights.checkpoint import holds_backbone, load_recipe

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
}
TASKS_OWN = tuple(dict.fromkeys(flag for task in TASK_FLAGS.values() for flag in task.train))
FIXED_ON_RESUME = (
    *("model", "recipe", "weights", "out", "batch_size", "input_size", "lr", "precision", "seed", "overfit"),
    *(flag.name for flag in TASKS_OWN),
)


def train(framework, argv=None):
    """train.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    if args.workers is not None and args.workers < 0:
        raise UserError(f"--workers is {args.workers}; 0 (no processes) or more is needed")
    folder = RunFolder.open(args.resume) if args.resume else None
    if folder is None:
        args.weights = find_weights(args, _wanted_model(args))
    loaded = resumed_recipe(args, folder) if folder else new_recipe(args)
    model_name = loaded.recipe.model.name
    check_flags(args, "train", model_name, architecture(model_name).task)
    if args.print_recipe:
        say(describe(loaded).rstrip("\n"))
        return 0
    check_model(loaded.recipe)
    check_root(loaded.recipe.data.root)
    framework, device = choice.start(args.device)
    done = train_recipe(
        framework,
        loaded.recipe,
        device,
        say,
        run=folder,
        weights=args.weights,
        out=args.out,
        workers=args.workers,
        quiet=args.quiet,
    )
    return INTERRUPTED if done.metrics is None else 0


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
        base, of_family = base_of(
            args.model or (saved and saved["name"]) or (DEFAULT_RECIPE if own_data else SYNTHETIC_RECIPE)
        )
        overrides = of_family + overrides
    if saved:
        given = load(Recipe, file=args.recipe, base=base, overrides=overrides)
        if given.recipe.model.name != saved["name"]:
            saved = _of_the_backbone(saved, given.recipe.model, args)
        origins = {key: given.origins.get(f"model.{key}", "given") for key in saved}
        silent = [key for key, origin in origins.items() if origin == "default" or origin.startswith("base ")]
        overrides += [(f"model.{key}", saved[key], f"weights {args.weights}") for key in silent]
    return load(Recipe, file=args.recipe, base=base, overrides=overrides + flag_overrides(args))


def _of_the_backbone(saved, wanted, args):
    """What the model section of a backbone's weights says of the backbone, for another model that stands on it.

    Raises UserError for weights of a whole model, and for another backbone.
    """
    assignments = dict(parse_assignment(text)[:2] for text in args.set)
    name = assignments.get("model.backbone") or backbone_of(dict(wanted))
    theirs = backbone_of(saved)
    if not holds_backbone(args.weights) or theirs is None:
        raise UserError(f"{args.weights} holds {saved['name']}, which doesn't fit {wanted.name}")
    if name != theirs:
        raise UserError(
            f"{args.weights} holds {theirs}, and {wanted.name} stands on {name or 'a backbone of its own'}; "
            f"--set model.backbone={theirs} would make it fit where the model can stand on it"
        )
    return {key: saved[key] for key in ("mean", "std", "stride_on_1x1") if key in saved}


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
        overrides.append((key, list(value) if isinstance(value, tuple) else value, origin))
    for flag in TASKS_OWN:
        value = getattr(args, flag.name)
        if value is not None:
            overrides += [(key, setting, f"command line {flag.option}") for key, setting in flag.sets(value).items()]
    return overrides + [parse_assignment(text) for text in args.set]


def resumed_recipe(args, run):
    """The recipe of the run to resume; only its length and the place of its data may change."""
    changed = [f"--{flag.replace('_', '-')}" for flag in FIXED_ON_RESUME if getattr(args, flag) is not None]
    changed += [f"--set {text}" for text in args.set]
    if changed:
        raise UserError(
            f"{changed[0]} can't be changed in a resumed run; leave it out, or start a new run with "
            f"--weights {run.last}"
        )
    recipe = from_dict(Recipe, load_recipe(run.last), f"checkpoint {run.last}")
    if not args.data and not Path(recipe.data.root).exists():
        raise UserError(f"the data of {run.path}, {recipe.data.root}, is not there any more; --data ROOT says where")
    overrides = [(key, value, f"run {run.path}") for key, value in to_dict(recipe).items()]
    return load(Recipe, overrides=overrides + flag_overrides(args))


def check_root(root):
    """UserError where the data set is not there.

    Args:
        root: None for the zoo's synthetic data
    """
    if root is not None and not Path(root).exists():
        raise UserError(f"data set {root} does not exist")
