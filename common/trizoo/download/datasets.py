"""Data sets from the network into a folder: fetched, checked and unpacked, and gone on with where it was broken off."""

import json
from dataclasses import replace

from trizoo.download.fetch import fetch, to_stderr
from trizoo.download.first_use import NAME, FirstUse
from trizoo.download.manifest import load_manifest
from trizoo.download.storage import home, locked, storing
from trizoo.download.unpack import unpack
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.ground.text import suggestion

ARCHIVES = "archives"  # folder of what is downloaded, below the root
DONE = ".trizoo-{}.json"  # says which parts of a data set are unpacked


def download_dataset(
    name, root, *, parts=None, keep=False, offline=False, settings=None, report=to_stderr, manifest=None
):
    """Bring a data set of the manifest below the folder `root`; the path that --data takes.

    What is unpacked stays as it is, also when it is asked for again.

    Args:
        parts: names of its parts, by default all that aren't optional
        keep: leave the archives in `root`/archives, where one that is there already is used
        offline, settings, report: see `trizoo.download.fetch.fetch`
        manifest: None for the zoo's

    Raises:
        UserError: as `fetch` and `unpack` do, and for names that the manifest doesn't know
    """
    dataset = (manifest or load_manifest()).dataset(name)
    for part in parts or ():
        if part not in dataset.parts:
            near = suggestion(part, dataset.parts)
            raise UserError(f"{part!r} is no part of {name}{near}; its parts are {', '.join(dataset.parts)}")
    marker = root / DONE.format(name)
    with locked(marker.with_suffix(""), report):
        for part in parts or [part for part, entry in dataset.parts.items() if not entry.optional]:
            done = _done(marker)
            if part in done:
                report(f"{name} {part}: already there; to unpack it again remove {marker}")
                continue
            _bring(f"{name}/{part}", dataset.parts[part], root, keep, report, offline=offline, settings=settings)
            write_atomically(marker, json.dumps([*done, part]) + "\n")
    return root / dataset.root


def _bring(key, entry, root, keep, report, **options):
    """One part of a data set: downloaded and unpacked, or put in its place."""
    remote = entry.remote(key)
    first_use = FirstUse(home() / NAME)
    size = "" if entry.bytes is None else f", {entry.bytes / 1e6:,.1f} MB"
    report(f"{key}: {remote.name}{size}")
    if entry.format == "file":
        target = root / entry.target
        fetch(replace(remote, name=target.name), target.parent, first_use, report=report, **options)
        return
    archive = fetch(remote, root / ARCHIVES, first_use, report=report, **options)
    result = unpack(archive, root, entry.format, report=report)
    kept = f", {result.kept:,} were there" if result.kept else ""
    report(f"{key}: {result.written:,} files unpacked{kept}")
    if result.links:
        report(f"{key}: {len(result.links)} links in the archive left out, such as {result.links[0]}")
    if not keep:
        _remove(archive)


def _done(marker):
    """Names of the parts that are unpacked."""
    try:
        parts = json.loads(marker.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise UserError(f"{marker} can't be read: {error}; remove it, and what is there is compared again") from error
    return parts if isinstance(parts, list) else []


def _remove(archive):
    """The archive and what lies beside it. Nobody else can be at them: the data set itself is locked."""
    with storing(archive):
        archive.unlink()
        archive.with_name(f".{archive.name}.lock").unlink(missing_ok=True)
        if not any(archive.parent.iterdir()):
            archive.parent.rmdir()
