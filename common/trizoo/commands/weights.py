"""`python -m trizoo.weights`: public weights, from the network to a checkpoint of the zoo's."""

import argparse
import re
import sys
from pathlib import Path

from trizoo.commands.cli import run_command
from trizoo.download.fetch import to_stderr
from trizoo.download.manifest import load_manifest
from trizoo.download.remote import PREFIX, check, digests
from trizoo.download.storage import home
from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggestion
from trizoo.weights import listing, store
from trizoo.weights.convert import convert
from trizoo.weights.export import NAMES, export
from trizoo.weights.readers import tensorflow


def main(arguments=None):
    """The command. Returns the exit code. Results go to stdout, everything else to stderr."""
    options = parser().parse_args(arguments)
    return options.command(options)


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
        print(f"\nData sets with their parts and MB, for python -m trizoo.data download:\n{listing.datasets(manifest)}")
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
    if options.path is not None:
        return _verify_file(options.path, manifest)
    present = {tag: entry for tag, entry in manifest.weights.items() if store.downloaded_path(tag, entry).exists()}
    problems = 0
    for tag, entry in present.items():
        problem = store.verify(tag, entry)
        problems += problem is not None
        print(f"{tag}: {problem or 'as it should be'}")
    to_stderr(f"{len(present)} files in {home()}, {problems} of them wrong")
    return 1 if problems else 0


def _verify_file(path, manifest):
    """Which tag a file is, by its checksums, else by its name."""
    try:
        found = digests(path, ("sha256", "sha1", "md5"))
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
    for tag, entry in manifest.weights.items():
        if any(found.get(kind) == digits for kind, digits in entry.checksums.items() if kind != PREFIX):
            print(f"{path}: {tag}, as it should be")
            return 0
    for tag, entry in manifest.weights.items():
        if entry.file_name == path.name:
            problem = check(path, entry.remote(tag), store.recorded(tag, entry)).problem
            print(f"{path}: {tag} by its name, {problem or 'and nothing known of it speaks against that'}")
            return 1 if problem else 0
    print(f"{path}: no file of the manifest; its sha256 is {found['sha256']}")
    return 1


def _convert(options):
    if options.out.exists():
        raise UserError(f"{options.out} is there already; choose another --out, or remove it")
    manifest = load_manifest()
    source, classes = Path(options.source), options.classes
    if classes and len(classes) == 1:
        classes = manifest.class_lists.get(classes[0], classes)
    there = source.exists() or tensorflow.index_of(source) is not None
    if there or options.source not in manifest.weights:
        if not there:
            raise UserError(
                f"{options.source!r} is neither a file nor a tag{suggestion(options.source, manifest.weights)}; "
                f"python -m trizoo.weights list shows all tags"
            )
        imported = convert(source, options.out, model=options.model, classes=classes)
    elif classes or (options.model and manifest.weights[options.source].model in ARCHITECTURES):
        raise UserError(f"{options.source} has a model and classes of its own; leave --classes and --model out")
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


def _export(options):
    if options.out.exists():
        raise UserError(f"{options.out} is there already; choose another --out, or remove it")
    export(options.source, options.out, options.names)
    print(options.out)
    return 0


def _path(options):
    entry = load_manifest().entry(options.tag)
    path = store.downloaded_path(options.tag, entry)
    if not path.exists():
        raise UserError(f"{options.tag} isn't there; python -m trizoo.weights download {options.tag} fetches it")
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


def _address(text):
    """A URL, also of a file on this disk."""
    if re.match(r"(https?|file)://", text, re.IGNORECASE):
        return text
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no file, and no URL that begins with https://, http:// or file://"
        )
    return Path(text).absolute().as_uri()


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        prog="python -m trizoo.weights",
        description="Public weights: what there is, from the network, to a checkpoint of the zoo's.",
        epilog="Files are kept in the platform's cache folder, or in the one that TRIZOO_HOME names.",
    )
    commands = flags.add_subparsers(required=True, metavar="COMMAND")

    def add(name, command, text):
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.set_defaults(command=command)
        return sub

    lister = add("list", _list, "show all tags, and what is here of them")
    lister.add_argument("--model", metavar="X", help="only those whose model or tag has X in it")
    add("info", _info, "show all that is known of a tag").add_argument("tag", metavar="TAG")
    downloader = add("download", _download, "download and verify files; prints their paths")
    downloader.add_argument("tags", nargs="+", metavar="TAG")
    downloader.add_argument(
        "--url", action="append", default=[], type=_address, help="ask this address, or file, first; may be repeated"
    )
    downloader.add_argument("--offline", action="store_true", help="only verify what is here")
    verifier = add("verify", _verify, "hash what is here anew, or a file of yours")
    verifier.add_argument("path", nargs="?", metavar="PATH", type=Path)
    converter = add("convert", _convert, "turn a weight file of others into a checkpoint; prints its path")
    converter.add_argument("source", metavar="SOURCE", help="a file, a folder, or a tag")
    converter.add_argument("--model", choices=tuple(ARCHITECTURES), help="what it is for (default: what it fits)")
    converter.add_argument("--classes", nargs="+", metavar="NAME", help="class names, or one of the manifest's lists")
    converter.add_argument("--offline", action="store_true", help="with a tag: only what is here")
    converter.add_argument("--out", required=True, metavar="FILE.h5", type=Path)
    exporter = add("export", _export, "turn a checkpoint into a weight file for others; prints its path")
    exporter.add_argument("source", metavar="FILE.h5", type=Path)
    exporter.add_argument("--out", required=True, metavar="FILE", type=Path, help="ending in .weights or .safetensors")
    exporter.add_argument("--names", choices=NAMES, default=NAMES[0], help="whose, in .safetensors (default: trizoo)")
    add("path", _path, "print where the downloaded file of a tag is").add_argument("tag", metavar="TAG")
    cleaner = add("clean", _clean, "remove what was downloaded and converted")
    cleaner.add_argument("tags", nargs="*", metavar="TAG", help="only these (default: all)")
    cleaner.add_argument("--yes", action="store_true", help="don't ask")
    return flags


if __name__ == "__main__":
    run_command(main)
