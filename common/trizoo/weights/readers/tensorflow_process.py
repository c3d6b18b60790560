"""The process in which TensorFlow reads a checkpoint for `trizoo.weights.readers.tensorflow`, into .npy files.

python -m trizoo.weights.readers.tensorflow_process PREFIX BYTES FOLDER
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np

from trizoo.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape

AVERAGE = "/ExponentialMovingAverage"  # what tf.train.ExponentialMovingAverage keeps of a variable
COUNTERS = ("global_step", "save_counter", "beta1_power", "beta2_power")  # the last two are Adam's
# of tf.train.Checkpoint, which writes a tree of objects, "/" in a name as ".S" and "." as ".."
VALUE, SLOT = "/.ATTRIBUTES/VARIABLE_VALUE", "/.OPTIMIZER_SLOT/"
ESCAPED = {"S": "/", ".": "."}


def main(prefix, size, folder):
    """Write <folder>/told.json: `arrays`, name -> file in the folder, `averaged` and `left_out`, or `error` alone."""
    import tensorflow as tf

    try:
        told = _read(tf.train.load_checkpoint(prefix), int(size), Path(folder))
    except UnreadableError as error:
        told = {"error": str(error)}
    except (tf.errors.OpError, RuntimeError, LookupError, ValueError, TypeError) as error:
        reason = " ".join(str(error).replace(prefix, Path(prefix).name).split())
        told = {"error": f"is a damaged checkpoint ({reason[:200]}); a whole one is needed"}
    Path(folder, "told.json").write_text(json.dumps(told), encoding="utf-8")


def _read(reader, size, folder):
    """What to tell. size: bytes of the checkpoint's data, which no index may claim more of."""
    types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    stored = {_plain(name): name for name in sorted(types)}
    if len(stored) < len(types):
        raise UnreadableError("holds two arrays of one name; a checkpoint of one model is needed")
    variables = {name.removesuffix(AVERAGE) for name in stored}
    files, averaged, left_out = {}, [], []
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
        files[name] = f"{len(files)}.npy"
        np.save(folder / files[name], _array(reader.get_tensor(place), kind), allow_pickle=False)
        averaged += [name] if average else []
    if not files:
        raise UnreadableError("is a checkpoint of TensorFlow's without numbers; one of a model is needed")
    return {"arrays": files, "averaged": averaged, "left_out": left_out}


def _array(values, kind):
    if kind.name == "bfloat16":
        return float32_of_bfloat16(np.atleast_1d(values).view(np.uint16)).reshape(np.shape(values))
    return np.asarray(values)


def _is_extra(name, variables):
    """Whether an array is no variable of the model: a slot, which TensorFlow calls <variable>/<slot>, or a counter."""
    parent, _, leaf = name.rpartition("/")
    return parent in variables or leaf in COUNTERS or SLOT in name


def _plain(name):
    """A variable's name; of an object's attribute, the way to it."""
    if not name.endswith(VALUE):
        return name
    return re.sub(r"\.([S.])", lambda match: ESCAPED[match[1]], name.removesuffix(VALUE))


if __name__ == "__main__":
    main(*sys.argv[1:])
