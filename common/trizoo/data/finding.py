"""How a table of finders, layout's name -> function, is asked what a data set's folder holds."""

from pathlib import Path

from trizoo.data.reading import PointerError, is_pointer
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


def listings(root, finders, layout=None, images=None, annotations=None):
    """Yields what each finder makes of the folder, in the table's order; of one layout alone where it is given.

    Each is asked only when its turn comes.

    Args:
        finders: layout -> function of the folder, of `images` and of `annotations` that gives a listing, or None where
            it finds nothing of its kind
        images: the folder of the images, None to look for them; see `named_place`
        annotations: the file or folder of the annotations, or of the masks, None to look for them

    Raises:
        UserError: where `root` is no folder, and no tar or pattern of tars, which are of the layout shards; where the
            layout isn't in the table, or a place isn't there
    """
    root = Path(root)
    if is_of_tars(root):
        finders = {name: finder for name, finder in finders.items() if name == "shards"}
    elif not root.is_dir():
        raise UserError(f"data set {root} {'is not a folder' if root.exists() else 'does not exist'}")
    if layout is not None and layout not in finders:
        raise UserError(f"the layout is {layout!r}; one of {', '.join(finders)} is needed")
    images, annotations = named_place(root, images, "images"), named_place(root, annotations, "annotations")
    if images and not images.is_dir():
        raise UserError(f"the images {images} are a file; the folder that they lie in is needed")
    if annotations and is_pointer(annotations):
        raise PointerError(annotations)
    for name in finders if layout is None else [layout]:
        listing = finders[name](root, images, annotations)
        if listing is not None:
            yield listing


def is_of_tars(root):
    """Whether a data set is named by its tars, one or a pattern, and not by a folder."""
    root = Path(root)
    return root.suffix == ".tar" and not root.is_dir()


def is_there(root):
    """Whether a data set's folder exists, or it is named by its tars, of which the reader tells what isn't there."""
    return Path(root).exists() or is_of_tars(root)


def named_place(root, place, what):
    """The path that a person means by a place of images or annotations: below the root, else as it stands; None: None.

    Args:
        what: is there, for the error

    Raises:
        UserError: where there is no such file or folder
    """
    if place is None:
        return None
    for path in (Path(root) / place, Path(place)):
        if path.exists():
            return path
    raise UserError(f"{what} {str(place)!r} were not found, neither in {root} nor as a path from {Path.cwd()}")


def contents(root):
    """What a folder holds, for the end of a sentence: "it holds images/, labels/, a.txt"."""
    try:
        names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in Path(root).iterdir())
    except OSError as error:
        return f"it can't be read: {error.strerror}"
    return f"it holds {first_few(names)}" if names else "it is empty"
