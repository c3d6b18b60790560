"""A file in its folder, whatever it takes: mirrors in order, several rounds, checked before it gets its name."""

import os
import shutil
import sys

from trizoo.download.remote import check
from trizoo.download.storage import locked, no_room, storing
from trizoo.download.transfer import MirrorError, Part, Settings, client, transfer
from trizoo.ground.errors import UserError

PROGRESS = 1 << 20  # bytes that make a broken connection worth resuming at once


def to_stderr(text):
    """A line for a person; stdout stays for results."""
    print(text, file=sys.stderr, flush=True)


def fetch(file, folder, first_use, *, offline=False, settings=None, report=to_stderr):
    """The path of a RemoteFile in `folder`: the one that is there, checked, or a new one.

    Several processes may ask for the same file; one of them brings it. What has arrived of it stays as `<name>.part`.

    Args:
        first_use: the FirstUse that remembers files without a published sha256
        offline: never download
        settings: the `trizoo.download.transfer.Settings`, None for the usual ones
        report: gets lines for a person

    Raises:
        UserError: where no mirror has it, where it is another file than it should be, where the disk refuses, and with
            `offline` where it isn't there
    """
    path = folder / file.name
    if offline:
        problem = _problem(path, file, first_use)
        if problem is None:
            return path
        raise UserError(
            f"{file.key} can't be had offline: {path} {problem}; leave --offline out, or put the file there by hand"
        )
    if _problem(path, file, first_use) is None:
        return path
    with locked(path, report):
        problem = _problem(path, file, first_use)  # another process may have brought it meanwhile
        if problem is None:
            return path
        if path.exists():
            report(f"{path} {problem}, so it is downloaded again")
        _download(file, path, first_use, settings or Settings(), report)
    return path


def _problem(path, file, first_use):
    """Why the file at `path` can't be used, as the end of a sentence, or None."""
    try:
        problem = check(path, file, _recorded(file, first_use)).problem
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"can't be read ({error.strerror or error})"
    return problem and f"has {problem}"


def _recorded(file, first_use):
    return None if file.is_pinned else first_use.recorded(file.key)


def _download(file, path, first_use, settings, report):
    part = Part(path)
    with storing(path):
        free = shutil.disk_usage(path.parent).free
        if file.size is not None and file.size - part.size > free:
            raise no_room(path, f"{file.size - part.size:,} bytes are still to come and {free:,} are free")
    mirrors, failures = list(file.urls), {}
    with client() as session:
        for number in range(settings.rounds):
            wait = 0.0
            for url in list(mirrors):
                try:
                    sha256 = _from_mirror(session, url, part, file, first_use, settings)
                except MirrorError as error:
                    failures[url] = str(error)
                    report(f"{url}: {error}")
                    wait = max(wait, error.wait)
                    if not error.retry:
                        mirrors.remove(url)
                    continue
                if not file.is_pinned:
                    first_use.record(file.key, sha256=sha256, size=part.size, url=url)
                _publish(part, path)
                return
            if not mirrors or number == settings.rounds - 1:
                break
            pause = max(settings.backoff * 2**number, min(wait, settings.longest_wait))
            report(f"asking again in {pause:g} s")
            settings.sleep(pause)
    reasons = "; ".join(f"{url}: {reason}" for url, reason in failures.items())
    raise UserError(
        f"{file.key} can't be downloaded ({reasons}); try again later, or get the file in another way and put it at "
        f"{path}"
    )


def _from_mirror(session, url, part, file, first_use, settings):
    """The sha256 of what came from one mirror, all of it and checked, in `part`. Asks again while that brings it on."""
    furthest = part.size
    while True:
        try:
            resumed = transfer(session, url, part, file, settings)
            break
        except MirrorError as error:
            if not error.retry or error.wait or part.size < furthest + PROGRESS:
                raise
            furthest = part.size
    with storing(part.path):
        checked = check(part.path, file, _recorded(file, first_use))
        if checked.problem:
            part.discard()
            # What was there before may have been another version's beginning; from the start it may come right.
            raise MirrorError(f"it sent {checked.problem}", retry=resumed)
    return checked.sha256


def _publish(part, path):
    """Give the checked file its name, for good."""
    with storing(path):
        with part.path.open("rb+") as file:
            os.fsync(file.fileno())
        part.path.replace(path)
        part.discard()
