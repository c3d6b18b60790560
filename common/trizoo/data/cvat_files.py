"""Where CVAT's XML files are, and which image and split each of their entries is of."""

import re
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.cvat_xml import CvatImage, read_cvat
from trizoo.data.image_tree import ImageTree, bare_id, files_below, parts_of
from trizoo.data.reading import Problem
from trizoo.data.splits import SPLIT_NAMES
from trizoo.ground.errors import UserError

_ANNOTATIONS = re.compile(rb"(?i)<annotations[\s>]")
_HEAD = 4096  # bytes in which the first tag stands
_NO_SUBSET = ("", "default")  # CVAT's name for what is in none


@dataclass(frozen=True)
class Files:
    """The entries of all XML files, and the images, by id.

    Args:
        images: those that an entry is of, under its id; the others under their own
        entries: id -> what the XML says
        labels: names of the classes in the order of the files, None where they name none
        splits: name -> ids, as the entries' subsets or the files' names say; empty where they say none
        problems: entries that are left out, since another is of the same image, and tracks
        doubles: images that are left out, since another has their id
    """

    images: dict[str, Path]
    entries: dict[str, CvatImage]
    labels: tuple[str, ...] | None
    splits: dict[str, list[str]]
    problems: tuple[Problem, ...]
    doubles: tuple[Problem, ...]


def find_files(root, images=None, annotations=None):
    """The `Files` of CVAT's XML below a folder, None where there is none.

    Images are found by their names, in the folders of their subsets or of their XML where several have one name; none
    outside of the folder ever is. An image's id is its own; see `trizoo.data.image_tree.bare_id`.

    Args:
        images: the folder to look in, None = root
        annotations: the folder to look in, or the one XML file; None = root

    Raises:
        UserError: for XML that can't be read, and where all there is are tracks in videos
    """
    root = Path(root)
    folder = annotations or root
    if folder.is_file():
        paths = [folder] if _is_cvat(folder) else []
    else:
        paths = [folder / name for name in files_below(folder, (".xml",)) if _is_cvat(folder / name)]
    files = [read_cvat(path) for path in paths]
    entries = [entry for file in files for entry in file.images]
    if not entries:
        for file in files:
            if file.tracks:
                raise UserError(
                    f"{file.path} holds the tracks of a video, not images; export the task as 'CVAT for images 1.1', "
                    f"with its images"
                )
        return None
    tree = ImageTree(images or root)
    ids = {path: id for id, path in tree.by_id.items()}
    found, kept, splits = {}, {}, {}
    problems = [
        Problem("track of a video", file.path, f"tracks of objects in a video are left out: {file.tracks}")
        for file in files
        if file.tracks
    ]
    for entry in entries:
        image = _image_of(entry, root, tree)
        id = _id_of(entry, image, ids, tree)
        if id in kept:
            text = f"line {entry.line}: {entry.name or id} stands in {kept[id].file.name}, line {kept[id].line}, too, "
            text += "which is used instead"
            problems.append(Problem("second annotation of an image", entry.file, text))
            continue
        kept[id] = entry
        if image is not None:
            found[id] = image
        split = _split_of(entry)
        if split:
            splits.setdefault(split, []).append(id)
    taken = set(found.values())
    for id, path in tree.by_id.items():
        if path not in taken:
            found.setdefault(id, path)
    labels = dict.fromkeys(label for file in files for label in file.labels)
    doubles = (
        Problem("same id", path, f"has the same id as {first.name}, which is used instead")
        for path, first in tree.doubles
        if path not in taken
    )
    return Files(found, kept, tuple(labels) or None, splits, tuple(problems), tuple(doubles))


def _is_cvat(path):
    try:
        with path.open("rb") as file:
            return _ANNOTATIONS.search(file.read(_HEAD).replace(b"\0", b"")) is not None  # UTF-16 has zeros
    except OSError:
        return False


def _image_of(entry, root, tree):
    """The image that an entry is of, None where there is none."""
    parts = parts_of(entry.name)
    if not parts:
        return None
    own = "/".join(parts)
    try:
        inside = entry.file.parent.relative_to(root).parts
    except ValueError:  # annotations from elsewhere
        inside = ()
    subset = () if entry.subset.casefold() in _NO_SUBSET else (entry.subset,)
    for folders in ((*inside, *subset), inside, subset, ()):
        image = tree.by_id.get(bare_id("/".join((*folders, own))))
        if image is not None:
            return image
    alike = [name for name in SPLIT_NAMES if SPLIT_NAMES[name] == SPLIT_NAMES.get(entry.subset.casefold())]
    return tree.named(entry.name, near=(*inside, *subset, *alike))


def _id_of(entry, image, ids, tree):
    if image in ids:
        return ids[image]
    if image is not None:  # another has its bare id, of another suffix
        return image.relative_to(tree.folder).as_posix()
    name = bare_id("/".join(parts_of(entry.name)) or f"line {entry.line} of {entry.file.name}")
    return name if entry.subset.casefold() in _NO_SUBSET else f"{entry.subset}/{name}"


def _split_of(entry):
    """The split that an entry's subset says, else the XML's name: train.xml."""
    if entry.subset.casefold() in _NO_SUBSET:
        return SPLIT_NAMES.get(entry.file.stem.casefold())
    return SPLIT_NAMES.get(entry.subset.casefold(), entry.subset)
