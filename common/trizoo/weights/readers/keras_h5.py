"""Keras's HDF5 files without Keras: the layers' weights of Keras 1 and 2 (`.h5`), and Keras 3's `.weights.h5`.

Keras 2: at the root or in `model_weights`, the attribute `layer_names` lists groups, and each one's attribute
`weight_names` lists data sets in it. A list of more than 64 KiB is split: `layer_names0`, `layer_names1` ...
Keras 3: data sets `layers/<layer>/vars/<number>`, nested at will; the attribute `name` of a group `vars` is the layer's
own name. Layout: keras/src/legacy/saving/legacy_h5_format.py and keras/src/saving/saving_lib.py.
"""

import io
from itertools import count

import h5py
import numpy as np

from trizoo.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape

LAYERS, WEIGHTS, MODEL = "layer_names", "weight_names", "model_weights"
LOOSE = "top_level_model_weights"  # the group of weights that belong to no layer
VARIABLES = "vars"
OPTIMIZER = "optimizer"  # Keras 3's group of what isn't the model's
MOST_NAMES = 10_000  # in one attribute, which Keras splits at 64 kB; each can name the same long text in 16 bytes
DEEPEST = 32
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)  # what h5py raises for damage


def has_attribute(source, name):
    """Whether an HDF5 file says something at its root."""
    try:
        with h5py.File(source.path, "r", locking=False) as file:
            return name in file.attrs
    except DAMAGE as error:
        raise _damaged(error) from None


def read(source):
    """(kind, {path: array}, about): "keras2" with paths `<layer>/<weight>` in the model's order, or "keras3".

    about: of keras2, what the file says of keras_version and backend; of keras3 `names`, the layers' own names by their
    path. bfloat16 becomes float32, exactly; the optimizer's arrays are left out. Raises UnreadableError for files that
    are damaged or other programs', and for links, filters, and storage elsewhere.
    """
    try:
        with h5py.File(source.path, "r", locking=False) as file:
            if _has(file, MODEL) or _has_list(file, LAYERS):
                return "keras2", *_Layers(file, source.size).read()
            return "keras3", *_Variables(file, source.size).read()
    except DAMAGE as error:
        raise _damaged(error) from None


def read_inner(data):
    """({path: array}, about) of Keras 3's weights that were a member of another file, as bytes; see `read`."""
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return _Variables(file, len(data)).read()
    except DAMAGE as error:
        raise _damaged(error) from None


def _damaged(error):
    return UnreadableError(f"is a damaged HDF5 file ({' '.join(str(error).split())[:100]}); a whole file is needed")


class _Reader:
    """One open file, read with distrust."""

    def __init__(self, file, size):
        self.file = file
        self.unread = size  # bytes that arrays may still claim

    def array(self, data, path):
        """One data set: stored here, whole, as plain numbers."""
        if not isinstance(data, h5py.Dataset):
            raise UnreadableError(f"holds no array at {path[:80]!r}; a whole file is needed")
        properties = data.id.get_create_plist()
        inside = (
            properties.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and properties.get_external_count() == 0
        )
        whole = data.shape is not None and is_shape(data.shape) and data.id.get_storage_size() == data.nbytes
        self.unread -= data.nbytes if whole else 0
        if not (inside and whole) or self.unread < 0:
            raise UnreadableError(
                f"does not hold the numbers of {path[:80]!r} whole, plain and in itself; if it is compressed,"
                " `h5repack -f NONE -l CONTI` makes a plain file of it"
            )
        if data.dtype == np.dtype("V2") and data.attrs.get("dtype") == "bfloat16":
            return float32_of_bfloat16(data[()].view(np.uint16))
        if data.dtype.kind not in "biufc":
            raise UnreadableError(f"holds {data.dtype} at {path[:80]!r}; numbers are needed")
        return np.asarray(data[()], data.dtype.newbyteorder("="))


class _Layers(_Reader):
    """Keras 1 and 2."""

    def read(self):
        root = self.file[MODEL] if _has(self.file, MODEL) else self.file
        layers = _list(root, LAYERS)
        if _has(root, LOOSE):
            layers.append(LOOSE)
        arrays = {}
        for layer in layers:
            group = _follow(root, layer)
            for name in _list(group, WEIGHTS):
                path = f"{layer}/{name}"
                if path in arrays:
                    raise UnreadableError(f"lists {path[:80]!r} twice; a whole file is needed")
                arrays[path] = self.array(_follow(group, name), path)
        if not arrays:
            raise UnreadableError("is a Keras file without weights; one that save_weights wrote is needed")
        return arrays, {key: _attribute(root, key) for key in ("keras_version", "backend") if key in root.attrs}


class _Variables(_Reader):
    """Keras 3."""

    def read(self):
        self.arrays, self.names, self.seen = {}, {}, set()
        self._walk(self.file, ())
        if not self.arrays:
            raise UnreadableError("is an HDF5 file of another program; a Keras or TriZoo weight file is needed")
        return self.arrays, {"names": self.names}

    def _walk(self, group, parts):
        """Every data set in a group named `vars`, wherever it is."""
        address = h5py.h5o.get_info(group.id).addr
        if address in self.seen or len(parts) > DEEPEST:
            raise UnreadableError(f"holds {'/'.join(parts)[:80]!r} twice or too deep; a whole file is needed")
        self.seen.add(address)
        for name in sorted(group, key=_in_order):
            if not parts and name == OPTIMIZER:
                continue
            member, path = _follow(group, name), "/".join((*parts, name))
            if isinstance(member, h5py.Group):
                self._walk(member, (*parts, name))
                if name == VARIABLES and "name" in member.attrs:
                    self.names["/".join(parts)] = _attribute(member, "name")
            elif parts and parts[-1] == VARIABLES:
                self.arrays[path] = self.array(member, path)


def _in_order(name):
    """10 after 9, numbers before words."""
    return (0, int(name), name) if name.isdecimal() and len(name) < 10 else (1, 0, name)


def _has(group, name):
    return group.get(name, getlink=True) is not None


def _follow(group, path):
    """The member at a path below a group; UnreadableError where one of its parts is a link to elsewhere or missing."""
    member = group
    for part in path.split("/"):
        link = member.get(part, getlink=True) if part and isinstance(member, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise UnreadableError(f"has nothing but a link, or nothing, at {path[:80]!r}; a whole file is needed")
        member = member[part]
    return member


def _has_list(group, name):
    return name in group.attrs or f"{name}0" in group.attrs


def _list(group, name):
    """The texts of an attribute, which may be split: name, or name0, name1 ..."""
    if name in group.attrs:
        return _texts(group, name)
    if f"{name}0" not in group.attrs:
        raise UnreadableError(f"lists no {name} at {group.name[:80]!r}; a weight file of Keras is needed")
    texts = []
    for number in count():
        if f"{name}{number}" not in group.attrs:
            return texts
        texts += _texts(group, f"{name}{number}")


def _texts(group, name):
    shape = group.attrs.get_id(name).shape
    if shape is None or len(shape) != 1 or shape[0] > MOST_NAMES:
        raise UnreadableError(f"has the attribute {name!r} of shape {shape}; a list of names is needed")
    return [_text(value) for value in group.attrs[name]]


def _attribute(group, name):
    """A single text."""
    if group.attrs.get_id(name).shape != ():
        raise UnreadableError(f"has a list in its attribute {name!r}; a text is needed")
    return _text(group.attrs[name])


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
