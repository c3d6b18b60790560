"""The folder of a page: a new one, or an earlier page's, never one with anything else in it."""

import itertools
import re
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.show.page import html, mark
from trizoo.tasks.writers import names_for_files

INDEX = "index.html"
COMMAND = "trizoo data show"
# what a page and its pictures are called: nothing else is ever written over or removed
OURS = re.compile(
    r"index\.html|images\.jpg|image-\d+\.jpg|(?:batch|epochs)-\d+(?:-\d+)?\.jpg|(?:classes|sizes|shapes|positions)\.png"
)


class PageFolder:
    """Where a page and its pictures are written.

    Args:
        path: a folder that `claim` or `new_folder` has made sure of
    """

    def __init__(self, path):
        self.path = Path(path)
        self.files = {INDEX}

    def file(self, name):
        """The path of a picture to write, which is kept when the page is finished."""
        if not OURS.fullmatch(name):
            raise ValueError(f"name is {name!r}; one that matches {OURS.pattern} is needed, or it isn't known as ours")
        self.files.add(name)
        return self.path / name

    def finish(self, text):
        """Writes the page, and removes an earlier page's pictures that it no longer has. Gives the page's path."""
        write_atomically(self.path / INDEX, text)
        for path in list(self.path.iterdir()):
            if OURS.fullmatch(path.name) and path.name not in self.files:
                path.unlink()
        return self.path / INDEX


def claim(path):
    """The `PageFolder` at a path: made where it is missing, taken where it is empty or holds an earlier page alone.

    Raises UserError for a folder with anything else in it, which is left as it is.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise UserError(f"the folder {path} can't be made: {error.strerror or error}") from error
    strange = [name for name in names if not (OURS.fullmatch(name) and (path / name).is_file())]
    if strange or (names and not _is_ours(path / INDEX)):
        raise UserError(
            f"{path} holds {(strange or names)[0]} and is no page that data show made; a new or an empty folder for "
            f"--out would do"
        )
    return _begun(path)


def new_folder(root, parent=Path("show")):
    """The `PageFolder` of a data set's next page: show/NAME, or show/NAME-2 and so on where that is there."""
    (name,) = names_for_files([Path(root).absolute().name or "data"])
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            path = parent / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return _begun(path)
    except OSError as error:
        raise UserError(f"no folder for the page can be made in {parent}: {error.strerror or error}") from error


def _begun(path):
    """The PageFolder, with a page that says who makes it, so that it is known as ours if that is cut short."""
    if not (path / INDEX).exists():
        write_atomically(path / INDEX, html("This page was not finished", [], COMMAND))
    return PageFolder(path)


def _is_ours(index):
    try:
        with index.open("rb") as file:
            return mark(COMMAND).encode() in file.read(1000)
    except OSError:
        return False
