"""Weight files of any framework as NumPy arrays, by the names that they have in the file, without the framework.

`read` is the one way in. What a file is, its content says, not its suffix. Files are distrusted: nothing of them is
run, and no file makes the reader take much more memory than the file has bytes. Nothing is unpacked to the disk but
TensorFlow's checkpoints, which are also the only ones that their framework is needed for.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.weights import checkpoint
from trizoo.weights.readers import darknet, keras_h5, npy, pytorch, safetensors, tensorflow
from trizoo.weights.readers.archive import Archive
from trizoo.weights.readers.source import Source, UnreadableError

FORMATS = (
    "Darknet .weights, PyTorch .pth, .safetensors, Keras .h5, TensorFlow's .index or .tar.gz, .npz, a folder of .npy "
    "or TriZoo's .h5"
)
OTHERS = {  # how files begin that are taken for weights, and what they are
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS, not the file that it points to",
    b"\x93NUMPY": "a single .npy array, which needs a folder and a name",
    b"\x80": "a pickle that torch.save didn't write",
}
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
GZIP = b"\x1f\x8b"
HDF5 = b"\x89HDF\r\n\x1a\n"
TAR = 257  # byte at which a tar archive says so


class Weights(NamedTuple):
    """A weight file's content.

    Args:
        kind: "checkpoint" (TriZoo's), "darknet", "pytorch", "safetensors", "keras2", "keras3", "tensorflow", "npz" or
            "npy"
        arrays: by the file's own names, in its order, of the file's types (bfloat16 as float32); Darknet's, which have
            no names, are all in "floats"
        about: what else the file says; see the readers
    """

    kind: str
    arrays: dict[str, np.ndarray]
    about: dict


def read(path):
    """The Weights in a file, in a folder of .npy files, or in a checkpoint of TensorFlow's.

    The last is given by its name (model.ckpt-30000), its .index, or a folder or .tar.gz that holds it alone. Raises
    UserError for one that is missing, damaged, of another format, or asks for what weights don't need.
    """
    path = Path(path)
    try:
        if index := tensorflow.index_of(path):
            return Weights("tensorflow", *tensorflow.read(index))
        if path.is_dir() and tensorflow.holds_index(path):
            return Weights("tensorflow", *tensorflow.read_folder(path))
        if path.is_dir():
            return Weights("npy", *npy.read_folder(path))
        with Source(path) as source:
            return _read(source)
    except UnreadableError as error:
        raise UserError(f"{path} {error}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise UserError(f"{path} takes more memory than there is") from None


def _read(source):
    head = source.bytes(0, min(source.size, TAR + 5))
    if head.startswith(ZIP):
        return _read_archive(Archive(source))
    if head.startswith(HDF5):
        return _read_hdf5(source)
    if head.startswith(GZIP):
        return _read_gzip(source)
    if head[TAR:] == b"ustar":
        raise UnreadableError(f"is a tar archive, to be unpacked first; what can be read: {FORMATS}")
    if pytorch.is_legacy(head):
        return Weights("pytorch", *pytorch.read_legacy(source))
    if safetensors.is_safetensors(head, source.size):
        return Weights("safetensors", *safetensors.read(source))
    if tensorflow.is_index(source):
        return Weights("tensorflow", *tensorflow.read(source.path))
    if tensorflow.DATA.search(source.path.name):
        raise UnreadableError("is data of a checkpoint of TensorFlow's; the .index file beside it is needed")
    if darknet.is_darknet(head):
        return Weights("darknet", *darknet.read(source))
    what = next((what for start, what in OTHERS.items() if head.startswith(start)), "no weight file that is known here")
    raise UnreadableError(f"is {what if head else 'empty'}; what can be read: {FORMATS}")


def _read_archive(archive):
    if pytorch.is_archive(archive.names):
        return Weights("pytorch", *pytorch.read_archive(archive))
    if npy.is_archive(archive.names):
        return Weights("npz", *npy.read_archive(archive))
    holds = ", ".join(name[:40] for name in archive.names[:3]) or "nothing"
    raise UnreadableError(f"is a zip archive of something else ({holds}); what can be read: {FORMATS}")


def _read_gzip(source):
    found = tensorflow.read_archive(source.path)
    if found is None:
        raise UnreadableError(f"is a gzip archive without a checkpoint of TensorFlow's; what can be read: {FORMATS}")
    return Weights("tensorflow", *found)


def _read_hdf5(source):
    if not keras_h5.has_attribute(source, "trizoo"):
        return Weights(*keras_h5.read(source))
    loaded = checkpoint.load(source.path, optimizer=False)
    about = {name: getattr(loaded, name) for name in ("recipe", "framework", "step", "epoch", "best", "trizoo")}
    return Weights("checkpoint", loaded.weights, about)
