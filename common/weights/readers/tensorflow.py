"""TensorFlow's checkpoints, which TensorFlow itself reads where it is installed: arrays alone, never a graph.

A checkpoint is a name, as `model.ckpt-30000`, and files `<name>.index`, a table of names, types, shapes and places, and
`<name>.data-00000-of-00001`, the numbers. Layout: tensorflow/core/util/tensor_bundle and tensorflow/core/lib/io/table.
"""

import importlib.util
import math
import re
import tempfile
from pathlib import Path

import numpy as np

from common.download.unpack import unpack
from common.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape

INDEX = ".index"
DATA = re.compile(r"\.data-\d{5}-of-\d{5}")
MAGIC = bytes.fromhex("57fb808b247547db")  # the end of a table
NEEDED = "pip install tensorflow, or tensorflow-cpu, is needed for it"
AVERAGE = "/ExponentialMovingAverage"  # what tf.train.ExponentialMovingAverage keeps of a variable
COUNTERS = ("global_step", "save_counter", "beta1_power", "beta2_power")  # the last two are Adam's
# of tf.train.Checkpoint, which writes a tree of objects, "/" in a name as ".S" and "." as ".."
VALUE, SLOT = "/.ATTRIBUTES/VARIABLE_VALUE", "/.OPTIMIZER_SLOT/"
ESCAPED = {"S": "/", ".": "."}


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

    Only the checkpoint's own files are unpacked, as `common.download.unpack` does, and they are gone again afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="trizoo-") as folder:
        unpack(path, folder, "tar.gz", only=lambda name: name.endswith(INDEX) or DATA.search(name[-20:]))
        indices = _indices(Path(folder).rglob(f"*{INDEX}"))
        return read(_only(indices)) if indices else None


def read(index):
    """A checkpoint by its .index: ({name: array}, about). bfloat16 becomes float32, exactly.

    Names are TensorFlow's; those of tf.train.Checkpoint are the way to the variable, a/b/kernel. Where a variable's
    exponential moving average is kept, that is taken. about: `averaged`, the names of such variables, and `left_out`,
    those of what isn't the model's: an optimizer's slots, counters, texts. Raises UnreadableError for damage, for data
    that is missing or less than the index claims, and where TensorFlow isn't installed.
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
    import tensorflow as tf

    try:
        return _read(tf.train.load_checkpoint(str(prefix)), size)
    except (tf.errors.OpError, RuntimeError, LookupError, ValueError, TypeError) as error:
        reason = " ".join(str(error).replace(str(prefix), prefix.name).split())
        raise UnreadableError(f"is a damaged checkpoint ({reason[:200]}); a whole one is needed") from None


def _read(reader, size):
    """`read` of TensorFlow's own reader. size: bytes of the data."""
    types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    stored = {_plain(name): name for name in sorted(types)}
    if len(stored) < len(types):
        raise UnreadableError("holds two arrays of one name; a checkpoint of one model is needed")
    variables = {name.removesuffix(AVERAGE) for name in stored}
    arrays, averaged, left_out = {}, [], []
    for name in sorted(variables):
        average = name + AVERAGE in stored
        place = stored[name + AVERAGE if average else name]
        kind = types[place]
        if _is_extra(name, variables) or not (kind.is_floating or kind.is_integer or kind.is_bool):
            left_out.append(name)
            continue
        size -= math.prod(shapes[place]) * kind.size
        if not is_shape(shapes[place]) or size < 0:
            raise UnreadableError("is damaged: its arrays claim more bytes than its data has; a whole one is needed")
        arrays[name] = _array(reader.get_tensor(place), kind)
        averaged += [name] if average else []
    if not arrays:
        raise UnreadableError("is a checkpoint of TensorFlow's without numbers; one of a model is needed")
    return arrays, {"averaged": tuple(averaged), "left_out": tuple(left_out)}


def _array(values, kind):
    if kind.name == "bfloat16":
        return float32_of_bfloat16(np.atleast_1d(values).view(np.uint16)).reshape(np.shape(values))
    return np.array(values)  # its own memory, a single number too


def _is_extra(name, variables):
    """Whether an array is no variable of the model: a slot, which TensorFlow calls <variable>/<slot>, or a counter."""
    parent, _, leaf = name.rpartition("/")
    return parent in variables or leaf in COUNTERS or SLOT in name


def _plain(name):
    """A variable's name; of an object's attribute, the way to it."""
    if not name.endswith(VALUE):
        return name
    return re.sub(r"\.([S.])", lambda found: ESCAPED[found[1]], name.removesuffix(VALUE))


def _indices(paths):
    """Those of files that aren't hidden, as those are that macOS leaves in archives."""
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _only(indices):
    if len(indices) > 1:
        names = " and ".join(path.name for path in indices[:3])
        raise UnreadableError(f"holds {len(indices)} checkpoints, {names[:200]}; the {INDEX} file of one is needed")
    return indices[0]
