"""Where the files of a data set with YOLO's labels are, and which image and split belong to which."""

from dataclasses import dataclass
from pathlib import Path

from trizoo.data.image_tree import ImageTree, bare_id, files_below
from trizoo.data.images import in_threads
from trizoo.data.name_files import MOST_CLASSES, NAME_FILES, ClassNames, find_names, numbered_names, read_names
from trizoo.data.reading import PointerError, Problem
from trizoo.data.splits import SPLIT_NAMES, Lists
from trizoo.data.yolo_config import CONFIG_SUFFIXES, Pose, find_config, read_config
from trizoo.data.yolo_labels import highest_label, looks_like_labels
from trizoo.data.yolo_splits import file_named, may_be_one, with_splits
from trizoo.ground.errors import UserError

_TEXTS = (".txt", ".names")
_MOST_LOOKED_AT = 200
_DEPTH = 2  # an archive's folder in a folder


@dataclass(frozen=True)
class YoloFiles:
    """The files of a data set.

    Args:
        images: id -> image file
        labels: id -> label file, None for an image without one, which is an image without objects
        classes: their names, and where they are from
        lists: of the splits
        keypoints: whether labels have a pose's points
        pose: `trizoo.data.yolo_config.Pose`, None where nothing says how many
        problems: what was left out
        remarks: what only a check is to tell
        background: whether what no outline covers is a class beside those
    """

    root: Path
    images: dict[str, Path]
    labels: dict[str, Path | None]
    classes: ClassNames
    lists: Lists
    keypoints: bool
    pose: Pose | None
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    image_folder: Path
    label_folder: Path
    background: bool = True


def find_files(root, images=None, annotations=None):
    """The `YoloFiles` below a folder, None where nothing tells that labels of YOLO are there.

    That is a label file (see `trizoo.data.yolo_labels.read_lines`) with an image of its id, or in a folder called
    labels; or a file that describes the data set (see `trizoo.data.yolo_config`). An image's label file is the one of
    the same name in a folder beside it called labels instead of images, or beside the image itself. Images without one
    have no objects, where others in their folder have one. Paths in files are found by how they end, in the folder
    alone.

    Args:
        images: folder, None to look in `root`
        annotations: folder of the labels, or the file that describes the data set
    """
    named = annotations if annotations is not None and annotations.is_file() else None
    if named is not None and named.suffix.lower() not in CONFIG_SUFFIXES:
        return None
    base = _inner(root)
    label_folder = annotations if annotations is not None and named is None else base
    texts = files_below(label_folder, _TEXTS)
    configs = [] if named else files_below(base, CONFIG_SUFFIXES)
    if not texts and not configs and not named:
        return None
    tree = ImageTree(images or base)
    relative = {id: path.relative_to(tree.folder).as_posix() for id, path in tree.by_id.items()}
    labels, doubles, telling = _labels(label_folder, texts, relative, everywhere=label_folder != base)
    if not telling and not configs and not named:
        return None
    try:
        config = read_config(named) if named else find_config(base, configs)
    except UserError as error:
        if telling or named or (isinstance(error, PointerError) and len(tree)):
            raise
        return None
    if not telling and not (config and tree and config.splits):
        return None
    texts = [(label_folder, text) for text in texts]
    if label_folder != base:
        texts += [(base, text) for text in files_below(base, _TEXTS)]
    labels, lists = with_splits(config, base, tree.folder, labels, relative, texts)
    if not telling and not (named or labels):
        return None
    return YoloFiles(
        base,
        tree.by_id,
        labels,
        _classes(config, base, label_folder, labels, tree, texts),
        lists,
        bool(config and config.keypoints),
        config.pose if config else None,
        config.problems if config else (),
        (*doubles, *(Problem("same id", path, f"has the id of {first}, which counts") for path, first in tree.doubles)),
        tree.folder,
        label_folder,
        config is None or config.background,
    )


def _inner(root):
    """The folder itself, or the one in it, and again, where that is all it holds and is no split's or images'."""
    for _ in range(_DEPTH):
        try:
            entries = [path for path in root.iterdir() if not path.name.startswith((".", "__"))]
        except OSError:
            return root
        if len(entries) != 1 or not entries[0].is_dir():
            return root
        if not bare_id(f"{entries[0].name}/a").count("/") or entries[0].name.casefold() in SPLIT_NAMES:
            return root
        root = entries[0]
    return root


def _labels(folder, texts, images, everywhere):
    """The label files among texts: id -> Path, problems of two with one id, and whether they tell of a YOLO data set.

    Args:
        images: id -> path relative to the images' folder
        everywhere: whether every text is one unless its name says otherwise
    """
    folded = {id.casefold(): id for id in images}
    found, doubles, left, inside = {}, [], [], {}
    texts = [text for text in texts if text.casefold().endswith(".txt")]
    for text in sorted(texts, key=lambda text: (not _in_labels(text), text)):
        path, id = folder / text, bare_id(text)
        id = id if id in images else folded.get(id.casefold(), id)
        told = everywhere or _in_labels(text)
        if _is_other(text) and not (id in images and looks_like_labels(path)):
            continue
        if id in found:
            if told == inside[id]:
                doubles.append(Problem("same id", path, f"has the id of {found[id].name}, which counts"))
        elif id in images or (told and looks_like_labels(path) is not False):
            found[id], inside[id] = path, told
        else:
            left.append(text)
    found = _elsewhere(found, left, folder, images)
    files = list(found.values())
    step = max(1, len(files) // _MOST_LOOKED_AT)
    telling = any(looks_like_labels(path) for path in files[::step]) or any(
        looks_like_labels(path) for path in files[:_MOST_LOOKED_AT]
    )
    return found, doubles, telling


def _elsewhere(found, left, folder, images):
    """The label files with those in folders of other names, paired by their names alone; an image's own id counts.

    Nothing is paired where several have one name, or where the folders are of different splits.
    """
    free, stems = {}, {}
    for id in images:
        free.setdefault(_stem(id), []).append(id)
    for text in left:
        stems.setdefault(_stem(bare_id(text)), []).append(text)
    orphans = {_stem(id): id for id in found if id not in images}
    paired = dict(found)
    for stem, ids in free.items():
        if len(ids) > 1 or ids[0] in found:
            continue
        if stem in orphans and may_be_one(orphans[stem], images[ids[0]]):
            paired[ids[0]] = paired.pop(orphans[stem])
        elif len(stems.get(stem, ())) == 1 and may_be_one(stems[stem][0], images[ids[0]]):
            path = folder / stems[stem][0]
            if looks_like_labels(path) is not False:
                paired[ids[0]] = path
    parents, used = {path.parent for path in paired.values()}, {*paired.values()}
    for text in left:  # beside others, and its image is missing
        path = folder / text
        if path not in used and path.parent in parents and looks_like_labels(path):
            paired.setdefault(bare_id(text), path)
    return paired


def _stem(id):
    return id.rpartition("/")[2].casefold()


def _in_labels(text):
    return any(part.casefold().startswith(("label", "yolo")) for part in text.split("/")[:-1])


def _is_other(text):
    """Whether a text's name, or its folder's, says that it is no label file."""
    *folders, name = text.casefold().split("/")
    stem = name.rpartition(".")[0]
    return (
        name in NAME_FILES
        or stem in SPLIT_NAMES
        or stem.startswith(("readme", "license", "requirements", "trainval"))
        or stem.endswith(("_classes", "_train", "_val", "_test"))
        or "imagesets" in folders
    )


def _classes(config, base, label_folder, labels, tree, texts):
    """The `ClassNames`: the config's, else a class file's, else class_0 … to the highest label."""
    if config and config.names:
        return ClassNames(config.names, config.path, config.gaps)
    if config and config.names_file:
        path = file_named(config.names_file, config, texts)
        if path is not None:
            return read_names(path)
    paths = [path for path in labels.values() if path]
    parents = dict.fromkeys([base, label_folder, *(path.parent for path in paths), *(path.parent for path in tree)])
    found = find_names(parents)
    if found:
        return found
    if config and config.names_file:
        where = f"{config.path} says that the names of classes are in {config.names_file!r}"
        raise UserError(f"{where}, and no such file is in {base}; put it there, or list the names")
    highest = max(in_threads(highest_label, paths), default=-1)
    if highest >= MOST_CLASSES:
        raise UserError(
            f"a label in {label_folder} is {highest}; without names of classes, in data.yaml or classes.txt, labels "
            f"below {MOST_CLASSES:,} are read"
        )
    return ClassNames(numbered_names(highest + 1))
