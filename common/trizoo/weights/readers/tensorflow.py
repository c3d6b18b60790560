"""TensorFlow's checkpoints, which TensorFlow itself reads where it is installed: arrays alone, never a graph.

TensorFlow ends a process that reads an index of nonsense with right checksums, so it has one of its own.

A checkpoint is a name, as `model.ckpt-30000`, and files `<name>.index`, a table of names, types, shapes and places, and
`<name>.data-00000-of-00001`, the numbers. Layout: tensorflow/core/util/tensor_bundle and tensorflow/core/lib/io/table.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from trizoo.download.unpack import unpack
from trizoo.weights.readers.source import UnreadableError

INDEX = ".index"
DATA = re.compile(r"\.data-\d{5}-of-\d{5}")
MAGIC = bytes.fromhex("57fb808b247547db")  # the end of a table
NEEDED = "pip install tensorflow, or tensorflow-cpu, is needed for it"


def is_installed():
    """Whether TensorFlow can be imported, without doing so."""
    return importlib.util.find_spec("tensorflow") is not None


def is_index(source):
    """Whether a `Source` ends as TensorFlow's tables do."""
    return source.size > len(MAGIC) and source.bytes(source.size - len(MAGIC), len(MAGIC)) == MAGIC


def index_of(path):
    """The .index of a checkpoint given by its name, which no file has: a Path, or None."""
    index = path.with_name(path.name + INDEX) if path.name else path
    return index if not path.exists() and index.is_file() else None


def holds_index(folder):
    """Whether a folder holds a checkpoint itself, not in a folder within."""
    return bool(_indices(folder.glob(f"*{INDEX}")))


def read_folder(folder):
    """The only checkpoint in a folder, as `read` gives it."""
    return read(_only(_indices(folder.glob(f"*{INDEX}"))))


def read_archive(path):
    """The only checkpoint in a .tar.gz, as `read` gives it; None where it holds none.

    Only the checkpoint's own files are unpacked, as `trizoo.download.unpack` does, and they are gone again afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="trizoo-") as folder:
        unpack(path, folder, "tar.gz", only=lambda name: name.endswith(INDEX) or DATA.search(name[-20:]))
        indices = _indices(Path(folder).rglob(f"*{INDEX}"))
        return read(_only(indices)) if indices else None


def read(index):
    """A checkpoint by its .index: ({name: array}, about). bfloat16 becomes float32, exactly.

    Names are TensorFlow's; those of tf.train.Checkpoint are the way to the variable, a/b/kernel. Where a variable's
    exponential moving average is kept, that is taken. What is told about it is `averaged`, the names of such variables,
    and `left_out`, those of what isn't the model's: an optimizer's slots, counters, texts.

    Raises:
        UnreadableError: for damage, for data that is missing or less than the index claims, and where TensorFlow isn't
            installed
    """
    prefix = index.with_suffix("")
    pattern = re.compile(re.escape(prefix.name) + DATA.pattern)
    size = sum(file.stat().st_size for file in index.parent.iterdir() if pattern.fullmatch(file.name))
    if index.suffix != INDEX or not size:
        raise UnreadableError(
            f"is the index of a checkpoint of TensorFlow's without its data; NAME{INDEX} and beside it "
            f"NAME.data-00000-of-00001 are needed"
        )
    if not is_installed():
        raise UnreadableError(f"is a checkpoint of TensorFlow's, which only TensorFlow can read; {NEEDED}")
    with tempfile.TemporaryDirectory(prefix="trizoo-") as folder:
        told = _ask(prefix, size, Path(folder))
        if "error" in told:
            raise UnreadableError(told["error"])
        arrays = {name: np.load(Path(folder, file), allow_pickle=False) for name, file in told["arrays"].items()}
    return arrays, {key: tuple(told[key]) for key in ("averaged", "left_out")}


def _ask(prefix, size, folder):
    """What `trizoo.weights.readers.tensorflow_process` says, in a process of its own. size: bytes of the data."""
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-P", "-m", "trizoo.weights.readers.tensorflow_process", str(prefix), str(size)]
    done = subprocess.run(
        [*command, str(folder)],
        env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    told = folder / "told.json"
    if done.returncode or not told.exists():
        return {
            "error": f"is a damaged checkpoint (TensorFlow ended with code {done.returncode}); a whole one is needed"
        }
    return json.loads(told.read_text(encoding="utf-8"))


def _indices(paths):
    """Those of files that aren't hidden, as those are that macOS leaves in archives."""
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _only(indices):
    if len(indices) > 1:
        names = " and ".join(path.name for path in indices[:3])
        raise UnreadableError(f"holds {len(indices)} checkpoints, {names[:200]}; the {INDEX} file of one is needed")
    return indices[0]
