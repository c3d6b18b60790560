"""Which images a person means by a file, a folder or a quoted glob pattern."""

import glob
import os
import re
from pathlib import Path

from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.ground.errors import UserError

VOC_MASKS = ("SegmentationClass", "SegmentationClassAug", "SegmentationObject")  # folders beside JPEGImages


def find_images(sources, also=()):
    """The images that the sources name: one path or text, or several -> list of Path, each image once.

    A source is an image file; a folder (its images and those of its sub-folders, hidden ones left out); or a pattern
    with `*`, `?`, `[...]` or `**`, of whose matches the images are taken. A name that exists as it stands is never
    taken for a pattern. The sources' order is kept; within a source the order is natural: `2.jpg` before `10.jpg`. The
    masks of a VOC data set are no images of its folder.
    Raises UserError where a source is missing, is a file of another kind, or names no image.

    Args:
        also: suffixes of other files that are taken where they are named, or match a pattern; in folders they are not
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    found, folders = {}, {}
    for source in sources:
        for path in _images_of(source, also):
            if path.parent not in folders:
                folders[path.parent] = path.parent.resolve()
            found.setdefault((folders[path.parent], path.name), path)
    if not found:
        raise UserError("no source of images is given; name an image, a folder or a pattern such as 'photos/*.jpg'")
    return list(found.values())


def natural_key(path):
    """Sort key of a path: folder by folder, numbers by their value, small and capital letters alike.

    The path itself breaks ties (`01.jpg`, `1.jpg`), so that the order is the same on every system.
    """
    path = Path(path)
    return [_natural_part(part) for part in path.parts], path.parts


def _natural_part(part):
    # With a capturing group, text and digits alternate: odd places are always numbers, so that keys compare.
    return [int(piece) if place % 2 else piece.casefold() for place, piece in enumerate(re.split(r"(\d+)", part))]


def _images_of(source, also):
    """The images of one source in natural order. Raises UserError where there are none."""
    text = os.fspath(source)
    if not text:
        raise UserError("a source of images is empty text; name an image, a folder or a quoted pattern")
    path = Path(text)
    if not path.exists():
        path = Path(os.path.expanduser(text))  # noqa: PTH111 - a shell leaves ~ in quotes; Path.expanduser raises for "~x"
    if path.is_dir():
        files = [*_walk(path)]
        images = [file for file in files if _is_image(file)]
        if not images:
            other = next((file for file in files if also and _is_image(file, also)), None)
            others = "" if other is None else f"; others are taken where they are named, such as {str(other)!r}"
            raise UserError(f"the folder {text!r} and its sub-folders hold no image ({_suffixes()}){others}")
    elif path.exists():
        if not _is_image(path, also):
            raise UserError(f"the source {text!r} is no image by its suffix; {_suffixes(also)} are read")
        images = [path]
    elif any(sign in text for sign in "*?["):
        matches = _matches(path)
        images = [match for match in matches if _is_image(match, also) and match.is_file()]
        if not images:
            raise UserError(
                f"the pattern {text!r} matches {len(matches)} names{_seen_from(path)}, none of them an image file; "
                f"check the folder and the suffix ({_suffixes(also)}; small and capital letters differ on some systems)"
            )
    else:
        raise UserError(f"there is no file or folder {text!r}{_seen_from(path)}; check the path")
    return sorted(images, key=natural_key)


def _walk(folder):
    """The files in a folder and its sub-folders, linked ones too, without hidden ones (such as macOS's `._a.jpg`)."""
    visited = set()
    for root, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(root)
        if real in visited:  # a link that leads back up
            folders.clear()
            continue
        visited.add(real)
        masks = VOC_MASKS if "JPEGImages" in folders else ()
        folders[:] = [name for name in folders if not name.startswith(".") and name not in masks]
        yield from (Path(root, name) for name in files if not name.startswith("."))


def _refuse(error):
    raise UserError(f"the folder {error.filename!r} can't be read ({error.strerror}); check its permissions") from error


def _matches(pattern):
    """The paths that match; leading folders that exist as they stand (`photos [1]/*.jpg`) are no patterns."""
    root = Path(pattern.anchor)
    parts = pattern.parts[len(root.parts) :]
    plain = 0
    while plain < len(parts) and (root / parts[plain]).exists():
        root = root / parts[plain]
        plain += 1
    rest = str(Path(*parts[plain:]))
    # Path.glob finds hidden files too, and its `**` finds folders only.
    return [root / name for name in glob.glob(rest, root_dir=root, recursive=True)]  # noqa: PTH207


def _is_image(path, also=()):
    return path.suffix.lower() in (*IMAGE_SUFFIXES, *also)


def _suffixes(also=()):
    return ", ".join((*IMAGE_SUFFIXES, *also))


def _seen_from(path):
    """Where a relative path was looked for: what most wrong paths come from."""
    return "" if path.is_absolute() else f" in {str(Path.cwd())!r}"
