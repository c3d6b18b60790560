"""What `trizoo gallery` does: build a gallery, add to it, remove from it, list it."""

import json
import os
import sys

from tqdm import tqdm

from trizoo.commands.cli import choose_for, say
from trizoo.commands.galleries import open_embedding
from trizoo.gallery.file import change, held, load, save
from trizoo.gallery.gallery import Gallery
from trizoo.gallery.pictures import embed, find_pictures
from trizoo.gallery.threshold import DEFAULT, with_threshold
from trizoo.gallery.turned import Turned
from trizoo.ground.errors import UserError
from trizoo.ground.results import check_place

SOME_FAILED = 1  # the exit code where pictures couldn't be read


def run(args):
    """The command. Returns the exit code."""
    return {"build": _build, "add": _add, "remove": _remove, "list": _list}[args.action](args)


def _build(args):
    _check_new(args.gallery)
    pictures = find_pictures(args.source, args.name)
    embedding = open_embedding(args, choose_for(args))
    empty = Gallery(embedding.fingerprint, metric=args.metric, turned=args.turned)
    entries, failed = _embedded(args, pictures, embedding.pipeline, empty)
    if not entries:
        raise UserError(f"{args.source} has no picture that can be read; a gallery needs one")
    gallery, suggestion = with_threshold(empty.joined(entries), args.threshold)
    args.gallery.absolute().parent.mkdir(parents=True, exist_ok=True)
    with held(args.gallery):
        _check_new(args.gallery)
        save(args.gallery, gallery)
    _tell_threshold(gallery, suggestion)
    say(f"{args.gallery}: {_holds(gallery)}")
    return SOME_FAILED if failed else 0


def _add(args):
    before = load(args.gallery)
    check_place(args.gallery)
    pictures = find_pictures(args.source, args.name)
    embedding = open_embedding(args, choose_for(args))
    before.check_embedding(embedding.fingerprint, str(args.gallery))
    entries, failed = _embedded(args, pictures, embedding.pipeline, before)
    if failed == len(pictures):
        raise UserError(f"{args.source} has no picture that can be read; {args.gallery} stays as it is")
    suggestion = None

    def joined(gallery):
        nonlocal suggestion
        gallery.check_embedding(embedding.fingerprint, str(args.gallery))
        gallery, suggestion = with_threshold(gallery.joined(entries), args.threshold)
        return gallery

    before, after = change(args.gallery, joined)
    new = len(after) - len(before)
    there = len(pictures) - failed - new
    _tell_threshold(after, suggestion)
    say(f"added {new} {_pictures(new)}" + (f"; {there} were there already" if there > 0 else ""))
    say(f"{args.gallery}: {_holds(after)}")
    return SOME_FAILED if failed else 0


def _remove(args):
    load(args.gallery)
    check_place(args.gallery)
    before, after = change(args.gallery, lambda gallery: with_threshold(gallery.without(args.names))[0])
    gone = len(before) - len(after)
    say(f"removed {gone} {_pictures(gone)}")
    say(f"{args.gallery}: {_holds(after)}")
    return 0


def _list(args):
    gallery = load(args.gallery)
    if args.json:
        listed = {name: [] for name in gallery.counts}
        for name, path in zip(gallery.names, gallery.paths, strict=True):
            listed[name].append(path)
        about = {"embedding": gallery.embedding, "metric": gallery.metric, "threshold": gallery.threshold}
        about["turned"] = gallery.turned
        print(json.dumps({**about, "names": listed}, ensure_ascii=False, indent=1))
        return 0
    width = max(map(len, gallery.counts), default=0)
    for name, count in gallery.counts.items():
        say(f"{name:<{width}}  {count}")
    made = gallery.embedding
    size = "x".join(map(str, made["input_size"]))
    say(f"made by {made['model']} at {size}, SHA-256 of its weights {made['sha256'][:12]}…, metric {gallery.metric}")
    if gallery.turned:
        say("pictures are looked at in four quarter turns")
    least = f"{DEFAULT}, as of any gallery" if gallery.threshold is None else f"{gallery.threshold:.4g}"
    say(f"a thing is known from a similarity of {least}")
    say(f"{args.gallery}: {_holds(gallery)}")
    return 0


def _embedded(args, pictures, pipeline, gallery):
    """The entries of pictures that a gallery lacks, and how many couldn't be read, each of which is told."""

    def bar(found, total):
        return tqdm(found, total=total, desc="pictures", unit="", leave=False, disable=None, file=sys.stderr)

    pipeline = Turned(pipeline) if gallery.turned else pipeline
    entries, failed = embed(pictures, pipeline, gallery.holds, args.batch_size, bar)
    for error in failed:
        print(f"error: {error}", file=sys.stderr, flush=True)
    return entries, len(failed)


def _check_new(path):
    """UserError where a gallery can't be made there."""
    if os.path.lexists(path):
        raise UserError(f"{path} is there already; trizoo gallery add adds to a gallery, another name makes a new one")
    check_place(path)


def _tell_threshold(gallery, found):
    if gallery.chosen:
        say(f"a thing is known from a similarity of {gallery.threshold:.4g}, as chosen")
        return
    if found is None:
        say(
            f"a thing is known from a similarity of {DEFAULT}, as of any gallery: two names, one of them with two "
            f"pictures, would be needed to measure it"
        )
        return
    say(
        f"a thing is known from a similarity of {found.threshold:.4g}: of {found.pictures} pictures, left out in turn, "
        f"the others name {100 * found.known:.1f} % rightly; without their own name {100 * found.unknown:.1f} % are "
        f"unknown"
    )


def _pictures(count):
    return "picture" if count == 1 else "pictures"


def _holds(gallery):
    names = len(gallery.counts)
    return f"{len(gallery)} {_pictures(len(gallery))} of {names} {'name' if names == 1 else 'names'}"
