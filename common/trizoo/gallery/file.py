"""Gallery files: HDF5 with a gallery's arrays, read with distrust as checkpoints are.

    gallery/vectors float32 (N, D)    gallery/labels int32 (N,)    gallery/digests uint8 (N, 32)
    gallery/names, gallery/paths      uint8: texts in UTF-8, each ended by a zero byte; names by label, paths by row
    attributes: gallery (format), trizoo, metric, embedding (JSON), threshold, chosen; in format 2 turned

A gallery that isn't turned has format 1, which older versions read.

The same gallery gives the same bytes.
"""

import json
import math
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import trizoo
from trizoo.gallery.gallery import DIGEST, EMBEDDING, METRICS, Gallery
from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.files import open_ordinary, replacing
from trizoo.ground.lock import HeldError, Lock
from trizoo.weights import hdf5
from trizoo.weights.hdf5.write import write

FORMAT = 2
WAIT, STEP = 60.0, 0.05  # seconds: how long a process waits for another one that writes, and between two looks
_LONGEST = 1.01  # square of the length of a vector of length 1, with what rounding takes
_ADVICE = "a file of trizoo gallery build is needed"


def _is_size(value):
    return isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)


def _is_text(value):
    return isinstance(value, str)


_IS = {"model": _is_text, "sha256": _is_text, "input_size": _is_size, "resize": _is_text}


def save(path, gallery):
    """Writes a gallery; a kill at any moment leaves the file that was there before. Raises UserError where it can't."""
    names = sorted(gallery.counts)
    label = {name: number for number, name in enumerate(names)}
    arrays = {
        "vectors": np.ascontiguousarray(gallery.vectors, np.float32),
        "labels": np.array([label[name] for name in gallery.names], np.int32),
        "digests": gallery.digests,
        "names": _bytes_of(names),
        "paths": _bytes_of(gallery.paths),
    }
    attributes = {"gallery": FORMAT if gallery.turned else 1, "trizoo": trizoo.__version__, "metric": gallery.metric}
    attributes["embedding"] = json.dumps(gallery.embedding, sort_keys=True)
    if gallery.threshold is not None:
        attributes |= {"threshold": float(gallery.threshold), "chosen": int(gallery.chosen)}
    if gallery.turned:
        attributes["turned"] = 1
    try:
        with replacing(path) as temporary:
            write(temporary, {"gallery": arrays}, attributes)
    except RuntimeError as error:  # h5py says so where closing the file fails
        raise UnwrittenError(f"{path} can't be written ({error})", "choose another place or make room") from None


def load(path):
    """The `Gallery` in a file.

    Nothing in it is run or followed, and it takes no more memory than a few times the file's size. Raises UserError for
    a file that is missing, damaged, foreign or of a newer format.
    """
    if Path(path).is_dir():
        raise _folder(path)
    try:
        with open_ordinary(path) as file:
            if file.read(len(hdf5.SIGNATURE)) != hdf5.SIGNATURE:
                raise UserError(f"{path} is no gallery; {_ADVICE}")
        with hdf5.opened(path) as root:
            return _read(root, path)
    except FileNotFoundError:
        raise UserError(f"there is no gallery {path}; trizoo gallery build makes one") from None
    except OSError as error:
        raise UserError(f"gallery {path} can't be read: {error.strerror or error}") from None
    except MemoryError:
        raise UserError(f"gallery {path} takes more memory than there is") from None
    except hdf5.DamagedError as error:
        raise UserError(f"gallery {path} is damaged or cut short: {error}") from None


@contextmanager
def held(path):
    """Nobody else changes the gallery file meanwhile; another process is waited for.

    Raises UserError where that takes more than a minute, the folder takes no files, or a folder has the name.
    """
    if Path(path).is_dir():
        raise _folder(path)
    place, end = Path(path).with_name(f".{Path(path).name}.lock"), time.monotonic() + WAIT
    while True:
        try:
            lock = Lock(place)
            break
        except HeldError as error:
            if time.monotonic() > end:
                raise UserError(f"gallery {path} is being changed by {error}; wait for its end") from None
            time.sleep(STEP)
        except OSError as error:
            raise UserError(f"gallery {path} can't be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def change(path, function):
    """Replaces a gallery file by what a function makes of its `Gallery`, while nobody else does -> before, after."""
    with held(path):
        before = load(path)
        after = function(before)
        save(path, after)
    return before, after


def _folder(path):
    return UserError(f"{path} is a folder; the file of a gallery is needed")


def _bytes_of(texts):
    """uint8 (B,) of texts, each ended by a zero byte."""
    data = b"".join(text.encode(errors="surrogateescape").replace(b"\0", b"") + b"\0" for text in texts)
    return np.frombuffer(data, np.uint8)


def _read(root, path):
    """The Gallery in an open file."""
    attribute = _Attributes(root, path)
    if "gallery" not in root.attributes:
        what = "a checkpoint" if "trizoo" in root.attributes else "an HDF5 file"
        raise UserError(f"{path} is {what} and no gallery; {_ADVICE}")
    if (version := attribute("gallery", int)) > FORMAT:
        raise UserError(
            f"gallery {path} has format {version}, and this is TriZoo {trizoo.__version__}, reading up to {FORMAT}: "
            f"a newer version is needed"
        )
    if version < 1:
        raise UserError(f"gallery {path} is damaged: its format is {version}")
    group = root.get("gallery")
    if not isinstance(group, hdf5.Group):
        raise UserError(f"gallery {path} isn't whole: it has no arrays")
    vectors = _array(group, "vectors", np.float32, 2, path)
    labels = _array(group, "labels", np.int32, 1, path)
    digests = _array(group, "digests", np.uint8, 2, path)
    names, paths = (_texts(_array(group, part, np.uint8, 1, path), path) for part in ("names", "paths"))
    rows = len(vectors)
    if not (len(labels) == len(paths) == len(digests) == rows and digests.shape[1] == DIGEST):
        raise UserError(f"gallery {path} is damaged: its arrays aren't of one length")
    if rows and (labels.min() < 0 or labels.max() >= len(names)):
        raise UserError(f"gallery {path} is damaged: a picture has no name")
    if len({*names}) < len(names):
        raise UserError(f"gallery {path} is damaged: a name is there twice")
    if not np.isfinite(vectors).all():
        raise UserError(f"gallery {path} is damaged: its vectors aren't finite")
    metric = attribute("metric", str)
    if metric not in METRICS:
        raise UserError(f"gallery {path} has the metric {metric[:40]!r}; {' and '.join(METRICS)} are known")
    if metric == "cosine" and rows and np.square(vectors, dtype=np.float64).sum(1).max() > _LONGEST:
        raise UserError(f"gallery {path} is damaged: its vectors aren't of length 1")
    threshold = attribute("threshold", float) if "threshold" in root.attributes else None
    if threshold is not None and not -math.inf < threshold <= 1:
        raise UserError(f"gallery {path} is damaged: its threshold is {threshold}")
    chosen = threshold is not None and bool(attribute("chosen", int))
    turned = version > 1 and bool(attribute("turned", int))
    embedding = attribute.embedding()
    named = tuple(names[label] for label in labels.tolist())
    return Gallery(embedding, vectors, named, tuple(paths), digests, metric, threshold, chosen, turned)


class _Attributes:
    """The attributes of a gallery file's root."""

    def __init__(self, root, path):
        self.root, self.path = root, path

    def __call__(self, name, kind):
        """A single value of that Python type."""
        found = self.root.attributes.get(name)
        value = found.values() if found is not None and found.shape == () else None
        if not value or type(value[0]) is not kind:
            raise UserError(f"gallery {self.path} isn't whole: it has no {name!r} of type {kind.__name__}")
        return value[0]

    def embedding(self):
        """What is said of the model that made the vectors."""
        try:
            value = json.loads(self("embedding", str))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or not all(_IS[key](value.get(key)) for key in EMBEDDING):
            raise UserError(f"gallery {self.path} is damaged: it doesn't say which model made its vectors")
        return {key: value[key] for key in EMBEDDING}


def _array(group, name, dtype, dimensions, path):
    """An array of the group that lies whole in the file."""
    data = group.get(name)
    if not isinstance(data, hdf5.Array) or data.type.dtype is None:
        raise UserError(f"gallery {path} isn't whole: it has no array {name!r}")
    shape = data.shape or ()
    if data.type.dtype.newbyteorder("=") != dtype or len(shape) != dimensions:
        raise UserError(f"gallery {path} holds {data.type} {shape} as {name!r}; {np.dtype(dtype)} is needed")
    values = data.read()
    if values is None:
        raise UserError(f"gallery {path} doesn't hold all of {name!r} in itself")
    return np.asarray(values, dtype)


def _texts(data, path):
    """The texts of `_bytes_of`."""
    text = data.tobytes()
    if text and not text.endswith(b"\0"):
        raise UserError(f"gallery {path} is damaged: a text has no end")
    return [part.decode(errors="surrogateescape") for part in text.split(b"\0")[:-1]]
