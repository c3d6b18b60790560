"""What `trizoo recognize` does: names the things in pictures after a gallery."""

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trizoo.commands.cli import say
from trizoo.commands.galleries import open_both
from trizoo.commands.predict import ALL_FAILED, SOME_FAILED, earlier_files, hold, without_results
from trizoo.data.given import PIPE, find_given
from trizoo.gallery.file import load
from trizoo.gallery.index import recall
from trizoo.gallery.names import UNKNOWN
from trizoo.gallery.pipeline import MARGIN, RecognitionPipeline
from trizoo.ground.errors import UserError
from trizoo.ground.results import check_folder, check_results, check_unchanged, is_marked_folder, mark_folder
from trizoo.tasks.json_lines import ResultFile
from trizoo.tasks.writers import output_names, save_picture

COMMAND = "trizoo recognize"
_MOST_COLOURS = 256  # names of a gallery that have a colour each in every picture
_OF_DETECTOR = ("confidence", "max_detections", "agnostic", "margin", "whole")


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    for name in _OF_DETECTOR:
        value = getattr(args, name)
        if args.detector is None and value is not None and value is not False:
            raise UserError(f"--{name.replace('_', '-')} is of what a detector finds; --detector is needed too")
    gallery = load(args.gallery)
    photos, footage = find_given(args.source, sys.stdin.buffer if PIPE in args.source else None)
    photos, _ = without_results(photos, [], args.out)
    if footage:
        raise UserError(f"{footage[0].name} is a video, and pictures are recognised; trizoo predict takes videos")
    files = {photo: photo.path for photo in photos if photo.is_file}
    names = output_names(files.values(), args.out, loose={photo: photo.path for photo in photos if not photo.is_file})
    targets = {photo: names[files.get(photo, photo)] for photo in photos}
    writes = args.json or not args.no_pictures
    if writes:
        check_folder(args.out, "--out", is_marked_folder(COMMAND))
        check_results(targets.values())
        check_unchanged(args.out, [*targets.values(), *earlier_files(args.out, ())])
    pipeline = make_pipeline(args, choice, gallery)
    with ExitStack() as stack:
        if writes:
            stack.callback(hold(args.out).release)
            mark_folder(args.out, COMMAND)
        file = stack.enter_context(ResultFile(args.out, "recognized")) if args.json else None
        counts, failed = _recognize(pipeline, photos, targets, args, file)
        if file:
            file.finish()
        if writes:
            mark_folder(args.out, COMMAND, whole=True)
    total = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    seen = len(photos) - failed
    say(f"{seen} {'image' if seen == 1 else 'images'}: {total or 'nothing was found'}")
    if failed:
        say(f"{failed} of what was given couldn't be read")
    if writes:
        say(f"written to {Path(args.out)}")
    return 0 if not failed else SOME_FAILED if seen else ALL_FAILED


def make_pipeline(args, choice, gallery, called="--embedding"):
    """The `RecognitionPipeline` of the flags; says what its index finds where that isn't exact.

    Args:
        called: what errors call the embedding model
    """
    if not len(gallery):
        raise UserError(f"the gallery {args.gallery} holds no picture; trizoo gallery add puts some into it")
    embedding, detector = open_both(args, choice, called)
    gallery.check_embedding(embedding.fingerprint, str(args.gallery))
    found = None
    if detector is not None:
        wanted = {"score": args.confidence, "max_detections": args.max_detections}
        found = replace(detector.pipeline, **{key: value for key, value in wanted.items() if value is not None})
    pipeline = RecognitionPipeline(
        embedding.pipeline,
        gallery,
        found,
        threshold=args.threshold,
        neighbours=args.neighbours,
        margin=MARGIN if args.margin is None else args.margin,
        whole=args.whole,
        agnostic=found.nms if args.agnostic else None,
        exact=True if args.exact else None,
    )
    if not pipeline.index.exact:
        share = 100 * recall(pipeline.index, gallery)
        say(
            f"{len(gallery):,} pictures are searched by a graph, which finds {share:.1f} % of the ten nearest of some; "
            f"--exact looks at all"
        )
    return pipeline


def _recognize(pipeline, photos, targets, args, file):
    """Recognises, writes and tells -> {name: how many things}, how many images couldn't be read."""
    counts, failed = {}, 0
    names = list(pipeline.gallery.counts)
    names = names if len(names) <= _MOST_COLOURS else None
    for photo, found in zip(photos, pipeline(photos, args.batch_size, skip=True), strict=True):
        if isinstance(found, UserError):
            failed += 1
            print(f"error: {found}", file=sys.stderr, flush=True)
            continue
        result = found.to_dict(photo.name) | photo.about
        if file:
            file.add(result)
        if not args.no_pictures:
            save_picture(targets[photo], found.draw(photo.pixels(), names))
        photo.forget()
        things = [f"{one['name'] or UNKNOWN} {one['similarity']:.2f}" for one in result["things"]]
        say(f"{photo.name}: {', '.join(things) or 'nothing'}")
        for name, count in result["counts"].items():
            counts[name] = counts.get(name, 0) + count
    return counts, failed
