"""The index of a data set kept in the cache folder, for as long as none of its files changes.

A folder of the cache holds one index: an array a file, so that processes map them and share the memory, and index.json
with all else. It is never trusted further than that: what can't be read is made anew.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from pathlib import Path

import numpy as np

from trizoo import __version__
from trizoo.data.boxes.find import find_boxes
from trizoo.data.boxes.index import BoxIndex
from trizoo.data.finding import is_of_tars, named_place
from trizoo.data.reading import Problem
from trizoo.data.shard_files import shard_files
from trizoo.data.texts import Texts
from trizoo.download.storage import home

_FORMAT = 2  # raise where what is kept changes
_ARRAYS = ("annotated", "sizes", "ends", "boxes", "names", "difficult", "crowd", "same_as")
_PACKED = ("ids", "images")
_WORTH_IT = 0.5  # seconds; what is read faster isn't kept
_MOST_KEPT = 20  # data sets; the one that was used longest ago goes first


def open_boxes(root, layout=None, images=None, annotations=None):
    """The `BoxIndex` of a data set with boxes: the kept one where no file has changed since, else made and kept.

    Arguments and errors as of `trizoo.data.boxes.find.find_boxes`. A file has changed where its size or its time of
    change has; one that came or went counts too. Sets that take less than half a second to read aren't kept.
    """
    started = time.perf_counter()
    places = (root, layout, images, annotations)
    named = [named_place(root, images, "images"), named_place(root, annotations, "annotations")]
    parts = shard_files(root) if is_of_tars(root) else [Path(root)]
    folder, mark = _folder(root, layout, named), _mark([*parts, *filter(None, named)])
    index = _load(folder, mark, places) if folder.is_dir() else None
    if index is None:
        index = find_boxes(*places).index
        if time.perf_counter() - started > _WORTH_IT:
            _keep(folder, index, mark)
    return index


def _folder(root, layout, named):
    """Where an index is kept. named: the places of images and of annotations, None where they aren't named."""
    paths = [path and os.path.abspath(path) for path in (root, *named)]  # noqa: PTH100
    key = hashlib.sha256(repr((layout, paths)).encode("utf-8", "surrogateescape"))
    return home() / "boxes" / key.hexdigest()[:24]


def _mark(places):
    """A hash of the names, sizes and times of all files in places."""
    digest = hashlib.blake2b(f"{_FORMAT} {__version__}".encode())
    for place in places:
        if place.is_file():
            status = place.stat()
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        for entry in _entries(os.fspath(place), set()):
            digest.update(entry)
    return digest.hexdigest()


def _entries(folder, visited):
    """Path, size and time of each file below a folder, as bytes."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        with contextlib.suppress(OSError):
            if entry.is_dir():
                yield from _entries(entry.path, visited)
            else:
                status = entry.stat()
                text = f"{entry.path}\\0{status.st_size} {status.st_mtime_ns}\\n"
                yield text.encode("utf-8", "surrogateescape")


def _keep(folder, index, mark):
    """Writes an index; a cache that can't be written changes nothing."""
    unfinished = folder.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        unfinished.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(unfinished / f"{name}.npy", getattr(index, name))
        for name in _PACKED:
            text = getattr(index, name)
            np.save(unfinished / f"{name}.letters.npy", text.letters)
            np.save(unfinished / f"{name}.ends.npy", text.ends)
        for number, rows in enumerate(index.rows_of.values()):
            np.save(unfinished / f"split{number}.npy", rows)
        content = {
            "mark": mark,
            "root": os.fspath(index.root),
            "layout": index.layout,
            "class_names": index.class_names,
            "splits": list(index.rows_of),
            "list_files": {name: os.fspath(path) for name, path in index.list_files.items()},
            "list_notes": index.list_notes,
            "list_error": index.list_error,
            "problems": {str(row): [_plain(p) for p in problems] for row, problems in index.problems.items()},
            "errors": {str(row): text for row, text in index.errors.items()},
            "general": [_plain(problem) for problem in index.general],
            "classes": index.classes,
            "image_folder": index.image_folder and os.fspath(index.image_folder),
            "annotation_folder": index.annotation_folder and os.fspath(index.annotation_folder),
            "masks": index.masks,
        }
        (unfinished / "index.json").write_text(json.dumps(content), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        others = sorted(folder.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in others[_MOST_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        pass
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _plain(problem):
    return [problem.kind, os.fspath(problem.file), str(problem.text)]


def _problem(kind, file, text):
    return Problem(kind, Path(file), text)


def _load(folder, mark, places):
    """The index in a folder of the cache; None where it is of other files or can't be read."""
    try:
        content = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if content.pop("mark") != mark:
            return None
        os.utime(folder)
        arrays = {name: _map(folder, name) for name in _ARRAYS}
        texts = {name: Texts(_map(folder, f"{name}.letters"), _map(folder, f"{name}.ends")) for name in _PACKED}
        splits = {name: _map(folder, f"split{number}") for number, name in enumerate(content.pop("splits"))}
        paths = {name: content.pop(name) for name in ("root", "image_folder", "annotation_folder")}
        return BoxIndex(
            **arrays,
            **texts,
            **{name: Path(path) if path else None for name, path in paths.items()},
            layout=content["layout"],
            class_names=tuple(content["class_names"]),
            rows_of=splits,
            list_files={name: Path(path) for name, path in content["list_files"].items()},
            list_notes=tuple(content["list_notes"]),
            list_error=content["list_error"],
            problems={int(row): [_problem(*p) for p in problems] for row, problems in content["problems"].items()},
            errors={int(row): text for row, text in content["errors"].items()},
            general=tuple(_problem(*problem) for problem in content["general"]),
            classes=None if content["classes"] is None else tuple(content["classes"]),
            masks=content["masks"],
            find=lambda: find_boxes(*places),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _map(folder, name):
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
