"""What predict.py of every framework does, and `trizoo predict`."""

import itertools
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import Choice, say
from trizoo.commands.flags.predict import parser
from trizoo.commands.predicting import HEAT_FOLDER, Predicting
from trizoo.commands.use import open_predictor
from trizoo.commands.window import WindowClosedError, open_window
from trizoo.data.given import PIPE, find_given
from trizoo.data.video import load_av
from trizoo.ground.errors import UserError
from trizoo.ground.lock import HeldError, Lock
from trizoo.ground.results import check_folder, check_results, check_unchanged, is_marked_folder, mark_folder
from trizoo.tasks import FLAGS
from trizoo.tasks.json_lines import ResultFile
from trizoo.tasks.writers import output_names

COMMAND = "trizoo predict"
SOME_FAILED, ALL_FAILED = 1, 2  # exit codes where images couldn't be read: the others were, or there was none


def predict(framework, argv=None):
    """predict.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    check_heat(args)
    photos, footage = find_given(args.source, sys.stdin.buffer if PIPE in args.source else None)
    photos, footage = without_results(photos, footage, args.out)
    if footage:
        load_av()  # before any work
    flags = [flag for flags in FLAGS.values() for flag in flags.predict if getattr(args, flag.name)]
    folders = [flag.folder for flag in flags if flag.folder] + [HEAT_FOLDER] * args.heatmap
    targets = find_targets(photos, footage, args, folders)
    writes = not args.no_pictures or args.json or args.heatmap or any(flag.writes for flag in flags)
    if writes:
        check_folder(args.out, "--out", is_marked_folder(COMMAND))
        check_results([*targets.values(), *(Path(args.out, folder, "any") for folder in folders)])
        check_unchanged(args.out, [*targets.values(), *earlier_files(args.out, folders)])
    used = open_predictor(args, choice)
    task, recipe = used.task, used.recipe
    pipeline = replace(used.pipeline, heated=True) if args.heatmap else used.pipeline
    numbers = image_numbers(photos, footage)
    with ExitStack() as stack:
        if writes:
            stack.callback(hold(args.out).release)
            mark_folder(args.out, COMMAND)
        lists = task.lists(recipe, args)
        files = {stack.enter_context(ResultFile(args.out, name)): entries for name, entries in lists.items()}
        window = open_window() if args.show else None
        if window is not None:
            stack.callback(window.close)
        predicting = Predicting(task, pipeline, recipe, args, files, numbers, window)
        try:
            predicting.images(photos, [targets[photo] for photo in photos])
            for video in footage:
                predicting.video(video, targets[video])
        except WindowClosedError:
            say("the window was closed, so the rest is left out")
        except KeyboardInterrupt:
            say(f"{predicting.total.text()}; the rest is left out" + (f", {args.out} holds these" if writes else ""))
            raise
        for file in files:
            file.finish()
        if writes:
            mark_folder(args.out, COMMAND, whole=True)
    say(predicting.total.text())
    if predicting.failed:
        say(f"{predicting.failed} of what was given couldn't be read")
    if writes:
        say(f"written to {args.out}")
    if predicting.failed:
        return SOME_FAILED if predicting.seen else ALL_FAILED
    return 0


def earlier_files(out, folders):
    """Files of an earlier call, beside the pictures.

    Args:
        folders: names of those in `out`
    """
    out = Path(out)
    for suffix in ("*.json", "*.jsonl"):
        yield from out.glob(suffix)
    for folder in folders:
        yield from (out / folder).rglob("*")


def hold(out):
    """The `Lock` of a folder of results, which is made. UserError where another process writes into it."""
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
        return Lock(Path(out, ".lock"))
    except HeldError as error:
        raise UserError(f"--out {out} is being written by {error}; wait for its end, or name another folder") from None
    except OSError as error:
        raise UserError(f"--out {out} can't be written: {error.strerror or error}") from error


def check_heat(args):
    """UserError where --heatmap comes with flags that look at an image more than once."""
    for name in ("tiles", "tta", "tta_scales"):
        if args.heatmap and getattr(args, name):
            raise UserError(
                f"--heatmap shows what one look at an image gives, and --{name.replace('_', '-')} takes several; leave "
                f"one of them out"
            )


def image_numbers(photos, footage):
    """What COCO's results call each image, in order: the numbers that are their names, as COCO's are, else 1 and up."""
    stems = [photo.path.stem for photo in photos]
    if (
        not footage
        and all(stem.isascii() and stem.isdecimal() for stem in stems)
        and len({*map(int, stems)}) == len(stems)
    ):
        return map(int, stems)
    return itertools.count(1)


def find_targets(photos, footage, args, folders):
    """Where the pictures and videos go: {Photo or Footage: path}.

    Args:
        folders: names of folders that other results go to
    """
    # JPEG can hold no transparency, and blurs colours that stand for classes
    suffix = ".png" if args.view in ("mask", "cut-out") else None
    files = {item: item.path for item in (*photos, *footage) if item.is_file}
    loose = {item: item.path for item in (*photos, *footage) if not item.is_file}
    names = output_names(files.values(), args.out, suffix=suffix, kept=folders, loose=loose)
    targets = {item: names[files.get(item, item)] for item in (*photos, *footage)}
    return targets | {video: targets[video].with_suffix(".mp4") for video in footage}


def without_results(photos, footage, out):
    """The images and videos less those in the folder of results, where an earlier call over the same folder put them.

    All of them where nothing else is there.
    """
    out = Path(out).resolve()
    rest = [[item for item in items if out not in item.path.resolve().parents] for items in (photos, footage)]
    return rest if any(rest) else (photos, footage)
