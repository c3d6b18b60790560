"""Pictures with names, as a person gives them to a gallery.

Limits: lines of 1 MiB. A list of 64 MiB is read within 1 GiB and 30 seconds, larger ones in proportion.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.classes.folders import find_class_folders
from trizoo.data.classes.lists import SUFFIXES, find_class_lists
from trizoo.data.image_tree import files_below
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.photo import Photo
from trizoo.gallery.gallery import Entry
from trizoo.gallery.names import thing_name
from trizoo.ground.errors import UserError
from trizoo.ground.files import open_ordinary


@dataclass(frozen=True)
class Picture:
    """A picture that somebody named.

    Args:
        name: whose picture it is
        path: the file
        shown: the path as the gallery keeps it, seen from the folder that was given
    """

    name: str
    path: Path
    shown: str


def find_pictures(source, name=None):
    """The pictures of a folder or a list -> list of `Picture`.

    Args:
        source: a list, `path<TAB>name` a line or CSV, whose paths are seen from its folder; or a folder: with such
            lists, or with a folder for each name, in train, val and test or without these; one name is enough
        name: whose pictures all of those below the folder are; an image file will do as well

    Raises:
        UserError: where there are none, for a name that things can't have, and as `trizoo.data.classes` does
    """
    source = Path(source)
    if not source.exists():
        raise UserError(
            f"there is no {source}; a folder of pictures, or a list with a picture and its name a line, is needed"
        )
    if name is not None:
        return _all_of(source, thing_name(name))
    if not source.is_dir():
        if source.suffix.lower() not in SUFFIXES:
            raise UserError(f"{source} is no list ({', '.join(SUFFIXES)}); --name says whose picture it is")
        found = find_class_lists(source.parent, None, source)
    else:
        found = find_class_lists(source) or find_class_folders(source, fewest=1)
    if found is None:
        raise UserError(
            f"{source} has no folder of a name with pictures, NAME/…, and no list with a picture, a tab and its name a "
            f"line; --name says whose pictures all of them are"
        )
    try:
        names = [*map(thing_name, found.class_names)]
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
    names = [names[label] for label in found.labels.tolist()]
    return [Picture(name, found.path(row), found.images[row]) for row, name in enumerate(names)]


def _all_of(source, name):
    """All pictures of a folder, or a file, under one name."""
    if not source.is_dir():
        return [Picture(name, source, source.name)]
    files = files_below(source, IMAGE_SUFFIXES)
    if not files:
        raise UserError(f"the folder {source} and its sub-folders hold no picture")
    return [Picture(name, source / file, file) for file in files]


def embed(pictures, pipeline, holds=lambda name, digest: False, batch_size=8, watch=lambda found, total: found):
    """The `Entry` of each picture that isn't there already, and the UserErrors of those that can't be read -> 2 lists.

    A picture of several names goes through the network once.

    Args:
        pipeline: images -> vectors, as `trizoo.tasks.pipeline.ImagePipeline` is called
        holds: (name, digest) -> whether it is there already
        watch: takes the iterator of results, and how many there are, and gives it on: one that draws a progress bar
    """
    wanted, failed = {}, []  # digest -> pictures
    for picture in pictures:
        try:
            digest = digest_of(picture.path)
        except OSError as error:
            failed.append(UserError(f"picture {picture.path} can't be read: {error.strerror or error}"))
            continue
        of_content = wanted.setdefault(digest, [])
        if not holds(picture.name, digest) and picture.name not in {other.name for other in of_content}:
            of_content.append(picture)
    wanted = {digest: named for digest, named in wanted.items() if named}
    photos = [Photo.of(named[0].path) for named in wanted.values()]
    found, entries = pipeline(photos, batch_size, skip=True), []
    for (digest, named), vector in zip(wanted.items(), watch(found, len(photos)), strict=True):
        if isinstance(vector, UserError):
            failed.append(vector)
            continue
        entries += [Entry(picture.name, picture.shown, digest, vector) for picture in named]
    return entries, failed


def digest_of(path):
    """SHA-256 of a file's bytes. Raises OSError."""
    with open_ordinary(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def fingerprint(path, spec, recipe):
    """What a gallery keeps of the model that makes its vectors; see `trizoo.gallery.gallery.EMBEDDING`.

    Args:
        path: of the weights: a checkpoint, an exported file, or the folder of one
        spec, recipe: of the model
    """
    path, total = Path(path), hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]:
        total.update(digest_of(file))
    return {
        "model": spec.name,
        "sha256": total.hexdigest(),
        "input_size": list(recipe.input_size),
        "resize": recipe.resize,
    }
