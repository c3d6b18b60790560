"""How a table of finders, layout's name -> function, is asked what a data set's folder holds."""

from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


def listings(root, finders, layout=None):
    """Yields what each finder makes of the folder, in the table's order; of one layout alone where it is given.

    Each is asked only when its turn comes.

    Args:
        finders: layout -> function of the folder that gives a listing, or None where it finds nothing of its kind

    Raises:
        UserError: where `root` is no folder or the layout isn't in the table
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"data set {root} {'is not a folder' if root.exists() else 'does not exist'}")
    if layout is not None and layout not in finders:
        raise UserError(f"the layout is {layout!r}; one of {', '.join(finders)} is needed")
    for name in finders if layout is None else [layout]:
        listing = finders[name](root)
        if listing is not None:
            yield listing


def contents(root):
    """What a folder holds, for the end of a sentence: "it holds images/, labels/, a.txt"."""
    try:
        names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in Path(root).iterdir())
    except OSError as error:
        return f"it can't be read: {error.strerror}"
    return f"it holds {first_few(names)}" if names else "it is empty"
