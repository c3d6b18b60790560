"""Keras's HDF5 files without Keras: the layers' weights of Keras 1 and 2 (`.h5`), and Keras 3's `.weights.h5`.

Keras 2: at the root or in `model_weights`, the attribute `layer_names` lists groups, and each one's attribute
`weight_names` lists data sets in it. A list of more than 64 KiB is split: `layer_names0`, `layer_names1` ...
Keras 3: data sets `layers/<layer>/vars/<number>`, nested at will; the attribute `name` of a group `vars` is the layer's
own name. Layout: keras/src/legacy/saving/legacy_h5_format.py and keras/src/saving/saving_lib.py.
"""

from contextlib import contextmanager
from itertools import count

import numpy as np

from trizoo.weights import hdf5
from trizoo.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape

LAYERS, WEIGHTS, MODEL = "layer_names", "weight_names", "model_weights"
LOOSE = "top_level_model_weights"  # the group of weights that belong to no layer
VARIABLES = "vars"
OPTIMIZER = "optimizer"  # Keras 3's group of what isn't the model's
MOST_NAMES = 10_000  # in one attribute, which Keras splits at 64 kB
DEEPEST = 32


def has_attribute(source, name):
    """Whether an HDF5 file says something at its root."""
    with _opened(source.path) as root:
        return name in root.attributes


def read(source):
    """(kind, {path: array}, about): "keras2" with paths `<layer>/<weight>` in the model's order, or "keras3".

    about: of keras2, what the file says of keras_version and backend, and the names of all `layers`; of keras3 `names`,
    the layers' own names by their path. bfloat16 becomes float32, exactly; the optimizer's arrays are left out. Raises
    UnreadableError for files that are damaged or other programs', and for links, filters, and storage elsewhere. Takes
    the file's size and what `trizoo.weights.hdf5` says.
    """
    with _opened(source.path) as root:
        if MODEL in root.members or _has_list(root, LAYERS):
            return "keras2", *_layers(root)
        return "keras3", *_Variables().read(root)


def read_inner(data):
    """({path: array}, about) of Keras 3's weights that were a member of another file, as bytes; see `read`."""
    with _opened(data) as root:
        return _Variables().read(root)


@contextmanager
def _opened(place):
    try:
        with hdf5.opened(place) as root:
            yield root
    except hdf5.DamagedError as error:
        raise UnreadableError(f"is a damaged HDF5 file ({error}); a whole file is needed") from None


def _array(data, path):
    """One data set: stored here, whole, as plain numbers."""
    if not isinstance(data, hdf5.Array):
        raise UnreadableError(f"holds no array at {path[:80]!r}; a whole file is needed")
    dtype = data.type.dtype
    is_bfloat16 = dtype == np.dtype("V2") and _says(data, "dtype") == "bfloat16"
    if not is_bfloat16 and (dtype is None or dtype.kind not in "biuf"):
        raise UnreadableError(f"holds {data.type} at {path[:80]!r}; numbers are needed")
    values = data.read() if data.shape is not None and is_shape(data.shape) else None
    if values is None:
        raise UnreadableError(
            f"does not hold the numbers of {path[:80]!r} whole, plain and in itself; if it is compressed,"
            " `h5repack -f NONE -l CONTI` makes a plain file of it"
        )
    return float32_of_bfloat16(values.view(np.uint16)) if is_bfloat16 else np.asarray(values, dtype.newbyteorder("="))


def _layers(file):
    """Of Keras 1 and 2: ({path: array}, about)."""
    root = _follow(file, MODEL) if MODEL in file.members else file
    if not isinstance(root, hdf5.Group):
        raise UnreadableError(f"has no group at {MODEL!r}; a weight file of Keras is needed")
    layers = _list(root, LAYERS, "/")
    if LOOSE in root.members:
        layers.append(LOOSE)
    arrays = {}
    for layer in layers:
        group = _follow(root, layer)
        for name in _list(group, WEIGHTS, layer):
            path = f"{layer}/{name}"
            if path in arrays:
                raise UnreadableError(f"lists {path[:80]!r} twice; a whole file is needed")
            arrays[path] = _array(_follow(group, name), path)
    if not arrays:
        raise UnreadableError("is a Keras file without weights; one that save_weights wrote is needed")
    said = {key: _text(root, key) for key in ("keras_version", "backend") if key in root.attributes}
    return arrays, said | {"layers": tuple(layers)}


class _Variables:
    """Of Keras 3."""

    def read(self, root):
        """({path: array}, about)."""
        self.arrays, self.names, self.seen = {}, {}, set()
        self._walk(root, ())
        if not self.arrays:
            raise UnreadableError("is an HDF5 file of another program; a Keras or TriZoo weight file is needed")
        return self.arrays, {"names": self.names}

    def _walk(self, group, parts):
        """Every data set in a group named `vars`, wherever it is."""
        if group.address in self.seen or len(parts) > DEEPEST:
            raise UnreadableError(f"holds {'/'.join(parts)[:80]!r} twice or too deep; a whole file is needed")
        self.seen.add(group.address)
        for name in sorted(group.members, key=_in_order):
            if not parts and name == OPTIMIZER:
                continue
            member, path = _follow(group, name), "/".join((*parts, name))
            if isinstance(member, hdf5.Group):
                self._walk(member, (*parts, name))
                if name == VARIABLES and "name" in member.attributes:
                    self.names["/".join(parts)] = _text(member, "name")
            elif parts and parts[-1] == VARIABLES:
                self.arrays[path] = _array(member, path)


def _in_order(name):
    """10 after 9, numbers before words."""
    return (0, int(name), name) if name.isdecimal() and len(name) < 10 else (1, 0, name)


def _follow(group, path):
    """The member at a path below a group; UnreadableError where one of its parts is a link to elsewhere or missing."""
    member = group
    for part in path.split("/"):
        member = member.get(part) if isinstance(member, hdf5.Group) else None
        if member is None:
            raise UnreadableError(f"has nothing but a link, or nothing, at {path[:80]!r}; a whole file is needed")
    return member


def _has_list(group, name):
    return name in group.attributes or f"{name}0" in group.attributes


def _list(group, name, path):
    """The texts of an attribute, which may be split: name, or name0, name1 ...; path: the group's, for errors."""
    if name in group.attributes:
        return _texts(group, name)
    if f"{name}0" not in group.attributes:
        raise UnreadableError(f"lists no {name} at {path[:80]!r}; a weight file of Keras is needed")
    texts = []
    for number in count():
        if f"{name}{number}" not in group.attributes:
            return texts
        texts += _texts(group, f"{name}{number}")


def _texts(group, name):
    found = group.attributes[name]
    if found.shape is None or len(found.shape) != 1 or found.shape[0] > MOST_NAMES:
        raise UnreadableError(f"has the attribute {name!r} of shape {found.shape}; a list of names is needed")
    return [str(value) for value in found.values() or ()]


def _text(group, name):
    """A single text."""
    text = _says(group, name)
    if text is None:
        raise UnreadableError(f"has a list in its attribute {name!r}; a text is needed")
    return text


def _says(member, name):
    """The text of an attribute; None where it is no single value."""
    found = member.attributes.get(name)
    values = found.values() if found is not None and found.shape == () else None
    return str(values[0]) if values else None
