"""What export.py of every framework does, and `trizoo export`."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from trizoo.commands.cli import Choice, say
from trizoo.commands.flags.export import DYNAMIC
from trizoo.deploy.images import calibration_images
from trizoo.deploy.int8 import measured, worth
from trizoo.deploy.metadata import NUMBERS, Thresholds, describe
from trizoo.deploy.runtimes import RUNTIMES, is_exported, read_notes
from trizoo.deploy.targets import TARGETS, Job
from trizoo.deploy.writing import write
from trizoo.families import ModelSpec, architecture, check_input_size
from trizoo.framework import find
from trizoo.ground.errors import UserError
from trizoo.ground.results import check_file, check_folder
from trizoo.tasks import task_of
from trizoo.training.build import make_model, read_model
from trizoo.weights import export as weights
from trizoo.weights.checkpoint import load_origin
from trizoo.weights.store import resolve_weights

OF_GRAPHS = ("raw", "size", "batch", "half", "int8", "confidence", "nms", "max_detections")


def run(args, write=write):
    """The command. Returns the exit code: 1 where the file doesn't do as the framework does, and isn't written.

    Args:
        write: `trizoo.deploy.writing.write`, or what measures it
    """
    target = chosen(args)
    if target is None:
        return _export_weights(args)
    if args.names is not None:
        raise UserError(f"--names is for weights alone, and --to {args.to or target.title} is a graph; leave it out")
    target.require(args.int8 is not None, args.half)
    source = _find(args)
    out = args.out or _beside(args.source, target.ending)
    for path in target.files(out):
        (check_folder if target.is_folder else check_file)(path, "--out", lambda path: _is_ours(out))
    read = read_model(source)
    spec, recipe, size, metadata = _settle(args, target, read, source)
    framework, device = Choice(find(target.framework).open).start("cpu")
    recipe, model = make_model(framework, replace(read, recipe=recipe), device, "fp32")
    images = None
    if args.int8 is not None:
        images = calibration_images(recipe, args.int8, say)
    job = Job(partial(framework.exporters[target.graph], model), spec, size, metadata, images)
    say(f"export: {spec.name} to {target.title}, {_in_words(metadata, size)}")
    written = write(target, job, out, recipe, framework.predictor(model, "fp32", device))
    sides = f"{framework.versions()} and {RUNTIMES[target.ending].versions()}"
    say(f"check: {sides} on {written.images}: {written.difference}")
    breach = written.difference.breach()
    if breach:
        say(f"{breach}; nothing was written")
        return 1
    if args.int8 is not None:
        before, after, split = measured(recipe, spec, args.int8, (framework, model), written.opened, device)
        say(worth(before, after, split, target.title, read.path))
    say(f"written: {written.size / 1e6:.1f} MB in {written.seconds:.0f} s")
    say(str(out))
    return 0


def chosen(args):
    """The Target of --to, else of the ending of --out; None for the weights alone.

    Raises UserError where neither says, or both say something else.
    """
    ending = args.out.suffix.lower() if args.out else None
    if args.to is None:
        endings = {target.ending: target for target in TARGETS.values()}
        if ending is None:
            raise UserError(f"what to export to isn't said; --to {' or '.join(TARGETS)}, or --out FILE, is needed")
        if ending in weights.SUFFIXES:
            return None
        if ending not in endings:
            raise UserError(
                f"{args.out} ends in {ending!r}; {', '.join([*endings, *weights.SUFFIXES[:-1]])} or "
                f"{weights.SUFFIXES[-1]} says what to write"
            )
        return endings[ending]
    target = TARGETS[args.to]
    others = {other.ending for other in TARGETS.values()} | {*weights.SUFFIXES}
    if ending not in (None, target.ending) and not (target.is_folder and ending not in others):
        raise UserError(
            f"{args.out} ends in {ending!r}, and --to {args.to} writes {target.ending}; leave one of them out"
        )
    return target


def _export_weights(args):
    """Weights for Darknet and others, as `trizoo weights export`."""
    for name in OF_GRAPHS:
        if getattr(args, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{option} is for graphs, and {args.out} holds weights alone; leave it out")
    check_file(args.out, "--out")
    names = weights.NAMES[0] if args.names is None else args.names
    if names not in weights.NAMES:
        raise UserError(f"--names is {names!r}; {' or '.join(weights.NAMES)} is needed")
    weights.export(_find(args), args.out, names)
    say(str(args.out))
    return 0


def _find(args):
    """The checkpoint's path: the file as it is, a tag downloaded and converted if need be."""
    source = Path(args.source)
    if is_exported(source):
        raise UserError(f"{source} is exported already; the checkpoint (.h5) that it was made of is needed")
    return source if source.exists() else Path(resolve_weights(args.source, offline=args.offline))


def _beside(source, ending):
    """Where a file goes that --out says nothing of: beside the checkpoint; of a tag into the folder one works in."""
    return Path(source).with_suffix(ending) if Path(source).is_file() else Path(f"{source}{ending}")


def _settle(args, target, read, source):
    """Spec, recipe, size and Metadata of what is wanted. Raises UserError where that doesn't fit the model."""
    spec, recipe = read.spec, read.recipe
    for name in ("size", "batch"):
        if getattr(args, name) == DYNAMIC and not target.is_free:
            raise UserError(f"--{name} is dynamic, and {target.title} is for one {name}; name it, or leave it out")
    batch = (None if target.is_free else 1) if args.batch in (None, DYNAMIC) else args.batch
    dynamic = args.size == DYNAMIC or (args.size is None and target.is_free and recipe.resize in ("keep_ratio", "none"))
    size = recipe.input_size if args.size in (None, DYNAMIC) else args.size
    only = architecture(spec.name).only_size
    if dynamic and only:
        raise UserError(f"{spec.name} is for {only[0]}x{only[1]} alone; leave --size out")
    if not dynamic and recipe.resize in ("keep_ratio", "none"):
        raise UserError(
            f"the recipe's resize is {recipe.resize}, so that images have sizes of their own; "
            f"{'--size dynamic' if target.is_free else '--to onnx with --size dynamic'} is needed"
        )
    check_input_size(spec.name, size)
    recipe = recipe.model_copy(update={"input_size": tuple(size)})
    precision = "int8" if args.int8 is not None else ("fp16" if args.half else "fp32")
    metadata = describe(
        recipe,
        spec,
        raw=args.raw,
        dynamic_size=dynamic,
        batch=batch,
        precision=precision,
        thresholds=_thresholds(args, recipe, spec),
        licence=load_origin(source).get("licence"),
    )
    if metadata.kind == "boxes" and type(spec).candidates is ModelSpec.candidates:
        raise UserError(f"{spec.name} is of a family without decoding in graphs; --raw would do")
    return spec, recipe, tuple(size), metadata


def _thresholds(args, recipe, spec):
    """Those of the graph, None where it has none. Raises UserError for a flag that has no place."""
    task = task_of(spec.name)
    if task.ends[0] != "boxes" or args.raw:
        for name in NUMBERS:
            if getattr(args, name) is not None:
                reason = "with --raw nothing is decoded" if args.raw else f"{spec.name} does {task.name}"
                raise UserError(f"--{name.replace('_', '-')} is for boxes, and {reason}; leave it out")
        return None
    known = (recipe.predict.score, recipe.predict.nms, recipe.evaluate.max_detections)
    given = (getattr(args, name) for name in NUMBERS)
    values = [own if value is None else value for value, own in zip(given, known, strict=True)]
    method = "vote" if recipe.predict.nms_method == "vote" else "hard"
    return Thresholds(**dict(zip(NUMBERS, values, strict=True)), nms_method=method)


def _in_words(metadata, size):
    """What is written, for a person."""
    images = "images of any size" if metadata.dynamic_size else f"images of {size[0]}x{size[1]}"
    number = "any number" if metadata.batch is None else str(metadata.batch)
    ends = "raw outputs" if metadata.kind == "raw" else ", ".join(metadata.outputs)
    return f"{images}, {number} at once, {metadata.precision}, gives {ends}"


def _is_ours(path):
    """Whether there is an earlier export at a path."""
    try:
        return bool(read_notes(path))
    except UserError:
        return False
