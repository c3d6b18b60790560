"""Keras's .keras files: a model that `keras.saving.load_model` gives, and the notes as one more member.

The zoo itself reads of them the notes and the weights alone, which are plain numbers; the network it builds anew.
"""

import zipfile

import numpy as np

from trizoo.deploy.archives import NOTES, opened
from trizoo.ground.errors import UserError
from trizoo.weights.readers import keras_h5
from trizoo.weights.readers.source import UnreadableError

WEIGHTS = "model.weights.h5"


def write(job, path):
    """Writes the file of a `trizoo.deploy.targets.Job`. Raises UserError where Keras doesn't read it as the same."""
    import keras

    model = job.graph(job.size, kind=job.metadata.kind, thresholds=job.metadata.thresholds)
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NOTES, job.metadata.to_json())
    width, height = job.size
    images = np.random.default_rng(0).integers(0, 256, (job.metadata.batch or 1, height, width, 3), np.uint8)
    expected, found = model(images), keras.saving.load_model(path)(images)
    for name, output in expected.items():
        ours, theirs = map(keras.ops.convert_to_numpy, (output, found[name]))
        if not np.allclose(ours, theirs, rtol=1e-4, atol=1e-4):
            raise UserError(f"{name} of the .keras file is another when Keras reads it; another version would do")


def read_arrays(path, names):
    """Canonical name -> array of a file's weights, in Keras's layout.

    Args:
        names: the model's canonical names; a layer's variables are numbered in their order

    Raises:
        UserError: for what is no whole file, or not one of trizoo export
    """
    of_layer = {}
    for name in names:
        of_layer.setdefault(name.rpartition(".")[0], []).append(name)
    with opened(path) as archive:
        if archive.size(WEIGHTS) is None:
            raise UnreadableError(f"has no {WEIGHTS}; exporting it again would do")
        arrays, about = keras_h5.read_inner(archive.bytes(WEIGHTS))
        named = {}
        for place, array in arrays.items():
            layer, _, number = place.rpartition("/vars/")
            own = of_layer.get(about["names"].get(layer), ())
            if number not in map(str, range(len(own))):
                raise UnreadableError(f"has weights at {place[:80]!r} of no known layer; exporting it again would do")
            named[own[int(number)]] = array
    return named
