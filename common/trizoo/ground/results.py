"""Where a command's results go: looked at before any work, so that only earlier results of the same command go.

A file or folder of results is replaced where it says itself what wrote it: a picture, page or folder by a mark, JSON by
its keys. Everything else that is there stays, and the command ends with a sentence.
"""

import json
import os
import tempfile
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically

MARK = ".trizoo"  # the file in a folder of results that names the command
WHOLE = "whole"  # its second line, once all was written
MOST_BYTES = 1 << 24  # of JSON that is looked into
ENDS = 1 << 14  # bytes at a file's beginning and end that are searched for a mark


def check_file(path, option, is_ours=None):
    """UserError unless a result can be written to a file: a new one, or one that is the same command's earlier result.

    Args:
        option: that names it, such as "--json", for the sentence
        is_ours: path -> whether the file there is such a result; None: nothing is replaced
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder; {option} needs the name of a file")
    if os.path.lexists(path) and not (is_ours and path.is_file() and is_ours(path)):
        foreign = " and is no earlier result of this command" if is_ours else ""
        raise UserError(f"{path} is there already{foreign}; name another file with {option}")
    check_place(path)


def check_folder(path, option, is_ours):
    """The same of a folder of results: a new or empty one, or one that is_ours(path) knows for an earlier result."""
    path = Path(path)
    if os.path.lexists(path) and not path.is_dir():
        raise UserError(f"{path} is a file; {option} needs the name of a folder")
    if path.is_dir() and any(path.iterdir()) and not is_ours(path):
        raise UserError(
            f"{path} isn't empty and holds no earlier results of this command; name another folder with {option}"
        )
    check_place(path / MARK, path)


def check_place(path, called=None):
    """UserError where nothing can be written beside a path; folders that are missing would be made.

    Args:
        called: what the sentence calls it, None for the path
    """
    above = Path(path).absolute().parent
    while not os.path.lexists(above):
        above = above.parent
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"{called or path} can't be written, since {above} takes no files ({reason}); name another place"
        ) from error


def check_results(paths):
    """UserError where one of these files of results can't be written: a folder has its name, or its own takes none."""
    paths = [Path(path) for path in paths]
    for path in paths:
        if path.is_dir():
            raise UserError(
                f"the result {path} can't be written, since a folder is there; remove it, or name another --out"
            )
    for folder in sorted({path.parent for path in paths}):
        check_place(folder / MARK, folder)


def check_unchanged(folder, paths):
    """UserError where somebody changed one of these results in a folder since `mark_folder` said that they are whole.

    Args:
        paths: of files, which needn't be there
    """
    mark = Path(folder) / MARK
    if WHOLE not in read_ends(mark).decode(errors="replace").split("\n"):
        return
    finished = mark.stat().st_mtime_ns
    for path in map(Path, paths):
        if path.is_file() and path.stat().st_mtime_ns > finished:
            raise UserError(
                f"{path} was changed after it was written, and would be written over; move it, or name another --out"
            )


def mark_folder(path, command, whole=False):
    """Makes a folder of results, if need be, and notes in it whose they are, such as "trizoo predict".

    Args:
        whole: whether the command has written all, so that what is newer than the mark is somebody else's change
    """
    write_atomically(Path(path) / MARK, f"{command}\n{WHOLE}\n" if whole else f"{command}\n")


def is_marked_folder(command):
    """The `is_ours` of folders that `mark_folder` marked for a command."""
    return lambda path: read_ends(path / MARK).partition(b"\n")[0] == command.encode()


def has_keys(*keys, without=()):
    """The `is_ours` of JSON files whose outermost mapping has all of these keys and none of those."""

    def is_ours(path):
        try:
            if path.stat().st_size > MOST_BYTES:
                return False
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(value, dict) and value.keys() >= set(keys) and value.keys().isdisjoint(without)

    return is_ours


def has_mark(beginning, mark):
    """The `is_ours` of files that begin with these bytes and hold a mark near their beginning or end."""

    def is_ours(path):
        ends = read_ends(path)
        return ends.startswith(beginning) and mark in ends

    return is_ours


def read_ends(path):
    """The first and last bytes of a file, at most ENDS each; none where it can't be read."""
    try:
        with Path(path).open("rb") as file:
            first = file.read(ENDS)
            file.seek(max(ENDS, path.stat().st_size - ENDS))
            return first + file.read(ENDS)
    except OSError:
        return b""
