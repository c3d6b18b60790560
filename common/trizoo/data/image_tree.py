"""The images of a data set, found by whatever its annotations call them, and never outside of its folder."""

import os
import re
import stat
import unicodedata
from pathlib import Path

from trizoo.data.opening import IMAGE_SUFFIXES

# folders that say what lies in them and not which image it is, in lower case
IMAGE_FOLDERS = (
    *(
        "images",
        "image",
        "imgs",
        "img",
        "jpegimages",
        "jpegimg",
        "jpgs",
        "jpg",
        "pictures",
        "photos",
        "inputs",
        "input",
    ),
    *("leftimg8bit", "data", "obj_train_data", "frames"),
)
ANNOTATION_FOLDERS = (
    *(
        "annotations",
        "annotation",
        "annots",
        "annot",
        "labels",
        "label",
        "labels_xml",
        "xmls",
        "xml",
        "bboxes",
        "boxes",
    ),
    *("ground_truth", "groundtruth", "gt", "json", "jsons"),
)
_NAMELESS = frozenset((*IMAGE_FOLDERS, *ANNOTATION_FOLDERS))
LONGEST_PATH = 4096  # characters, Linux's PATH_MAX
_DEPTH = 12  # levels of folders that are looked into


def files_below(folder, suffixes):
    """Paths relative to a folder, with "/", of the files below it with one of these suffixes (lower case), sorted.

    Hidden ones, what a Mac's archives add, pipes and devices are left out; links to folders are followed, once each.
    """
    found, visited = [], set()
    base = os.fspath(folder)
    for parent, folders, names in os.walk(base, followlinks=True):
        real = os.path.realpath(parent)
        inside = "" if parent == base else os.path.relpath(parent, base).replace(os.sep, "/") + "/"
        if real in visited or inside.count("/") >= _DEPTH:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        wanted = [name for name in names if name.lower().endswith(suffixes) and name[0] != "."]
        found += [inside + name for name in wanted if _may_be_file(os.path.join(parent, name))]  # noqa: PTH118
    return sorted(found)


def _may_be_file(path):
    """Whether it is an ordinary file, or a link to nowhere, which is an error where somebody reads it."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return True


def bare_id(relative):
    """What an image is called: its path in the data set, "/" between, without suffix and folders such as images.

    `images/train/a.jpg`, `train/images/a.jpg`, `labels/train/a.txt` and `train/a.xml` are all train/a. In Unicode's
    composed form, since archives from a Mac hold the other one.
    """
    *folders, name = unicodedata.normalize("NFC", relative).split("/")
    stem = name.rpartition(".")[0] or name
    while stem.lower().endswith(IMAGE_SUFFIXES):  # a.jpg.xml
        stem = stem.rpartition(".")[0]
    return "/".join([*(folder for folder in folders if folder.casefold() not in _NAMELESS), stem])


def parts_of(name):
    """The folders and the name that a path of any system's kind, or an address, ends with; none above a `..`.

    `C:\\data\\a.jpg` -> ["data", "a.jpg"], `../images/a.jpg` -> ["images", "a.jpg"].
    """
    text = unicodedata.normalize("NFC", name.strip().strip("\"'")).replace("\\", "/")
    if "://" in text:
        text = text.partition("://")[2].partition("?")[0]
    parts = [part for part in text.split("/") if part not in ("", ".")]
    above = max((place for place, part in enumerate(parts) if part == ".."), default=-1)
    parts = parts[above + 1 :]
    return parts[1:] if len(parts) > 1 and re.fullmatch("[A-Za-z]:", parts[0]) else parts


class ImageTree:
    """The image files below a folder.

    Args:
        folder: the only one in which images are looked for

    Attributes:
        by_id: bare id (see `bare_id`) -> Path; of two with one id the first by name
        doubles: list of (Path, the Path that has its id)
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.by_id, self.doubles = {}, []
        self._by_stem = {}  # last part of the id in small letters -> [(relative path, Path)]
        for relative in files_below(self.folder, IMAGE_SUFFIXES):
            path = self.folder / relative
            if not path.is_file():  # a link to nowhere
                continue
            id = bare_id(relative)
            if id in self.by_id:
                self.doubles.append((path, self.by_id[id]))
            else:
                self.by_id[id] = path
            self._by_stem.setdefault(id.rpartition("/")[2].casefold(), []).append((relative, path))

    def __len__(self):
        return len(self.by_id)

    def __iter__(self):
        return iter(self.by_id.values())

    def named(self, name, near=()):
        """The image that an annotation means by a name or a path, None where none fits or several fit alike.

        Only what the path ends with counts, so one written on another machine is found and nothing outside of the
        folder ever is. The longest agreement decides: first of the name with its suffix, then of the folders before
        it, from the last one up; letters' case plays no role.

        Args:
            near: names of folders, such as a split's, that decide where all else agrees
        """
        parts = [part.casefold() for part in parts_of(name)]
        if not parts:
            return None
        stem = parts[-1]
        while stem.endswith(IMAGE_SUFFIXES) and not stem.startswith("."):
            stem = stem.rpartition(".")[0]
        candidates = self._by_stem.get(stem, ()) or self._by_stem.get(parts[-1], ())
        if len(candidates) < 2:
            return candidates[0][1] if candidates else None
        wanted = {folder.casefold() for folder in near}
        ranked = sorted(((_agreement(relative, parts, wanted), path) for relative, path in candidates), reverse=True)
        return ranked[0][1] if ranked[0][0] > ranked[1][0] else None


def _agreement(relative, parts, wanted):
    """How well a path fits: whether the whole name does, how many folders before it, how many of those wanted."""
    own = unicodedata.normalize("NFC", relative).casefold().split("/")
    same = 0
    for mine, theirs in zip(own[-2::-1], parts[-2::-1], strict=False):
        if mine != theirs:
            break
        same += 1
    return own[-1] == parts[-1], same, len(wanted.intersection(own[:-1]))
