"""What predict.py of every framework does, and `trizoo predict`."""

import sys
from contextlib import nullcontext
from pathlib import Path

from trizoo.commands.cli import Choice, check_flags, find_weights, say
from trizoo.commands.flags.predict import parser
from trizoo.data.photo import Photo, UnreadableError
from trizoo.data.sources import find_images
from trizoo.ground.errors import UserError
from trizoo.ground.results import check_folder, check_results, is_marked_folder, mark_folder
from trizoo.tasks import FLAGS, task_of
from trizoo.tasks.json_lines import ResultFile
from trizoo.tasks.writers import output_names, save_picture
from trizoo.training.build import make_model, read_model

COMMAND = "trizoo predict"
SOME_FAILED = 1  # the exit code where images couldn't be read, and the others were


def predict(framework, argv=None):
    """predict.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    photos = [Photo.of(path) for path in without_results(find_images(args.source), args.out)]
    flags = [flag for flags in FLAGS.values() for flag in flags.predict if getattr(args, flag.name)]
    folders = [flag.folder for flag in flags if flag.folder]
    names = output_names([photo.path for photo in photos], args.out, suffix=picture_suffix(args), kept=folders)
    targets = [names[photo.path] for photo in photos]
    writes = not args.no_pictures or args.json or any(flag.writes for flag in flags)
    if writes:
        check_folder(args.out, "--out", is_marked_folder(COMMAND))
        check_results([*targets, *(Path(args.out, folder, "any") for folder in folders)])
    args.weights = find_weights(args)
    read = read_model(args.weights)
    task = task_of(read.spec.name)
    check_flags(args, "predict", read.spec.name, task.name)
    framework, device = choice.start(args.device)
    recipe, model = make_model(framework, read, device, args.precision)
    pipeline = task.predictor(framework, model, read.spec, recipe, device, args)
    if writes:
        mark_folder(args.out, COMMAND)
    total, failed = task.total(recipe, args), 0
    with ResultFile(args.out, task.results) if args.json else nullcontext() as file:
        for photo, target, found in zip(photos, targets, pipeline(photos, args.batch_size, skip=True), strict=True):
            try:
                if isinstance(found, UserError):
                    raise UnreadableError(str(found))
                result = task.result(photo, found, recipe, args)
                task.write(photo, target, found, recipe, args)
                picture = None if args.no_pictures else task.draw(photo, found, recipe, args)
            except UnreadableError as error:
                complain(error)
                failed += 1
                continue
            if picture is not None:
                save_picture(target, picture)
            if file is not None:
                file.add(result)
            total.add(result)
            say(task.line(photo, found, result, recipe, args))
            photo.forget()
        if file is not None:
            file.finish()
    say(total.text())
    if writes:
        say(f"written to {args.out}")
    return SOME_FAILED if failed else 0


def picture_suffix(args):
    """The suffix of all pictures, None where each keeps its own: JPEG can hold no transparency, and blurs colours."""
    return ".png" if args.view in ("mask", "cut-out") else None


def complain(error):
    """One line about what doesn't end the command."""
    print(f"error: {error}", file=sys.stderr, flush=True)


def without_results(paths, out):
    """The images less those that lie in the folder of results, where an earlier call over the same folder put them."""
    out = Path(out).resolve()
    rest = [path for path in paths if out not in path.resolve().parents]
    return rest or paths
