"""What `trizoo weights` does: pretrained weights, from the network to a checkpoint of the zoo's."""

import sys
from pathlib import Path

from trizoo.commands.published import conditions_of
from trizoo.data.name_files import read_names
from trizoo.download.fetch import to_stderr
from trizoo.download.manifest import load_manifest
from trizoo.download.remote import PREFIX, check, digests
from trizoo.download.storage import home
from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.ground.results import check_file
from trizoo.ground.text import suggestion
from trizoo.recipes.load import parse_assignment
from trizoo.weights import listing, store
from trizoo.weights.anchor_files import read_anchors
from trizoo.weights.classes import class_lists
from trizoo.weights.convert import convert
from trizoo.weights.export import NAMES, export
from trizoo.weights.readers import tensorflow


def run(options):
    """The command. Returns the exit code. Results go to stdout, everything else to stderr."""
    return ACTIONS[options.action](options)


def _list(options):
    manifest = load_manifest()
    wanted = options.model
    entries = {
        tag: entry
        for tag, entry in manifest.weights.items()
        if wanted is None or wanted in entry.model or wanted in tag
    }
    if not entries:
        models = {entry.model for entry in manifest.weights.values()}
        raise UserError(
            f"there are no weights for {wanted!r}{suggestion(wanted, models)}; leave --model out to see all"
        )
    print(listing.table(entries))
    if wanted is None:
        print(f"\nData sets with their parts and MB, for trizoo data download:\n{listing.datasets(manifest)}")
    return 0


def _info(options):
    manifest = load_manifest()
    print(listing.details(options.tag, manifest.entry(options.tag), manifest))
    return 0


def _download(options):
    if options.url and len(options.tags) > 1:
        raise UserError(f"--url is for one tag and {len(options.tags)} were given; ask for them one by one")
    manifest = load_manifest()
    for tag in options.tags:
        manifest.entry(tag)  # so that a slip in the last one is told before the first one is downloaded
    for tag in options.tags:
        print(store.download(tag, urls=options.url, offline=options.offline, manifest=manifest))
    return 0


def _verify(options):
    manifest = load_manifest()
    if options.path is not None and options.deep:
        raise UserError(f"--deep is for the tags that are here, and {options.path} was given; leave one of them out")
    if options.path is not None:
        return _verify_file(options.path, manifest)
    present = {tag: entry for tag, entry in manifest.weights.items() if store.downloaded_path(tag, entry).exists()}
    problems = 0
    for tag, entry in present.items():
        problem = store.verify(tag, entry)
        problems += problem is not None
        print(f"{tag}: {problem or 'as it should be'}")
    to_stderr(f"{len(present)} files in {home()}, {problems} of them wrong")
    if options.deep:
        from trizoo.commands.running import run_everywhere  # here, since frameworks take long to load

        problems += run_everywhere(manifest)
    return 1 if problems else 0


def _verify_file(path, manifest):
    """Which tag a file is, by its checksums, else by its name."""
    try:
        hashes = digests(path, ("sha256", "sha1", "md5"))
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
    for tag, entry in manifest.weights.items():
        if any(hashes.get(kind) == digits for kind, digits in entry.checksums.items() if kind != PREFIX):
            print(f"{path}: {tag}, as it should be")
            return 0
    for tag, entry in manifest.weights.items():
        if entry.file_name == path.name:
            problem = check(path, entry.remote(tag), store.recorded(tag, entry)).problem
            print(f"{path}: {tag} by its name, {problem or 'and nothing known of it speaks against that'}")
            return 1 if problem else 0
    print(f"{path}: no file of the manifest; its sha256 is {hashes['sha256']}")
    return 1


def _convert(options):
    check_file(options.out, "--out")
    manifest = load_manifest()
    source, classes = Path(options.source), options.classes
    if classes and len(classes) == 1:
        if Path(classes[0]).is_file():
            classes = read_names(Path(classes[0])).names
        else:
            classes = class_lists().get(classes[0], classes)
    there = source.exists() or tensorflow.index_of(source) is not None
    if there or options.source not in manifest.weights:
        if not there:
            raise UserError(
                f"{options.source!r} is neither a file nor a tag{suggestion(options.source, manifest.weights)}; "
                f"trizoo weights list shows all tags"
            )
        anchors = options.anchors and read_anchors(options.anchors)
        overrides = [parse_assignment(text) for text in options.set]
        imported = convert(
            source, options.out, model=options.model, classes=classes, anchors=anchors, overrides=overrides
        )
    elif classes or options.anchors or options.set or (options.model and _is_whole(options.source, manifest)):
        raise UserError(
            f"{options.source} has a model, classes, anchors and settings of its own; leave --classes, --anchors, "
            f"--set and --model out"
        )
    else:
        model = store.model_for(options.source, manifest.weights[options.source], options.model)
        store.require_reader(options.source, manifest.weights[options.source])
        downloaded = store.download(options.source, offline=options.offline, manifest=manifest)
        imported = store.convert_tag(options.source, downloaded, options.out, manifest, model)
    total = len(imported.arrays) + len(imported.missing)
    to_stderr(
        f"{options.out}: {len(imported.arrays)} of the model's {total} arrays, {len(imported.unexpected)} left out"
    )
    for note in imported.notes:
        to_stderr(note)
    if imported.missing:
        to_stderr("that is a backbone, for train.py --weights; it finds nothing by itself")
    elif there and not classes:
        to_stderr("its classes are called class-0, class-1 and so on; --classes names them")
    print(options.out)
    return 0


def _is_whole(tag, manifest):
    """Whether a tag is of one of the zoo's models, and no backbone of several."""
    return manifest.weights[tag].model in ARCHITECTURES


def _export(options):
    check_file(options.out, "--out")
    if options.names not in NAMES:
        raise UserError(f"--names is {options.names!r}; {' or '.join(NAMES)} is needed")
    for note in export(options.source, options.out, options.names):
        to_stderr(note)
    print(options.out)
    return 0


def _reproduce(options):
    """Evaluates a tag as published, and says the published figure beside it."""
    from trizoo.commands import evaluate  # here, since the other actions need no framework
    from trizoo.commands.cli import choose

    entry, conditions = load_manifest().entry(options.tag), conditions_of(options.tag)
    split = options.split or conditions.split
    flags = ["--weights", options.tag, "--as-published", "--data", options.data, "--split", split]
    args = evaluate.parser().parse_args([*flags, *(["--offline"] if options.offline else [])])
    code = evaluate.run(args, choose(options.framework))
    print(f"published: {conditions.figure} {entry.published[conditions.figure]} ({entry.published_source})")
    print(f"measured as: {', '.join(listing.conditions(entry)[1:])}")
    return code


def _path(options):
    entry = load_manifest().entry(options.tag)
    path = store.downloaded_path(options.tag, entry)
    if not path.exists():
        raise UserError(f"{options.tag} isn't there; trizoo weights download {options.tag} fetches it")
    print(path)
    return 0


def _clean(options):
    manifest = load_manifest()
    for tag in options.tags:
        manifest.entry(tag)
    sizes = {tag: size for tag, size in store.kept(manifest).items() if not options.tags or tag in options.tags}
    if not sizes:
        to_stderr(f"there is nothing to remove in {home()}")
        return 0
    for tag, size in sizes.items():
        print(f"{store.folder(tag)}: {listing.megabytes(size)} MB")
    print(f"{len(sizes)} tags, {listing.megabytes(sum(sizes.values()))} MB in all")
    if not options.yes and not _agreed():
        to_stderr("nothing was removed")
        return 1
    for tag in sizes:
        store.remove(tag)
    to_stderr("removed; trizoo.lock, which remembers what first downloads were, stays")
    return 0


def _agreed():
    """Whether the person at the terminal says yes."""
    to_stderr("remove them? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


ACTIONS = {
    "list": _list,
    "info": _info,
    "download": _download,
    "verify": _verify,
    "convert": _convert,
    "export": _export,
    "reproduce": _reproduce,
    "path": _path,
    "clean": _clean,
}
