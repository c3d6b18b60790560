"""From what `common.weights.readers` reads to the canonical names of a model. `import_weights` is the one way in."""

import numpy as np

from common.errors import UserError
from common.parity.golden import load_names
from common.weights.importers import darknet
from common.weights.importers.imported import Imported
from common.weights.report import NOT_OURS


def import_weights(weights, model, source="the weights"):
    """The arrays of a `common.weights.readers.Weights` under a model's canonical names: Imported.

    source: how errors call the file. The number of classes is the file's; `common.weights.report.match` says what fits
    a model of another. Raises UserError where the file isn't of this model.
    """
    if weights.kind == "darknet":
        return darknet.import_floats(weights.arrays["floats"], model, source=source)
    return _by_name(weights, model, source)


def _by_name(weights, model, source):
    """Arrays that have canonical names already: our own, in whatever format."""
    names = load_names(model)
    arrays = {name: _float32(name, weights.arrays[name], source) for name in names if name in weights.arrays}
    if not arrays:
        examples = ", ".join(list(weights.arrays)[:3])
        raise UserError(
            f"{source} ({weights.kind}) holds arrays named {examples[:200]} ..., which can't be turned into {model};"
            f" weights of Darknet or with the names of {model} are needed"
        )
    unexpected = (name for name in weights.arrays if name not in arrays and name.rsplit(".", 1)[-1] != NOT_OURS)
    return Imported(arrays, tuple(name for name in names if name not in arrays), tuple(unexpected))


def _float32(name, array, source):
    if array.dtype.kind not in "fiu":
        raise UserError(f"{source} holds {array.dtype} for {name}; real numbers are needed")
    return np.asarray(array, np.float32)
