"""Checkpoints: one HDF5 file that holds a model, its recipe and all that a resume needs, for every framework.

    model/<canonical name>, ema/<canonical name>, optimizer/<slot>/<canonical name>     arrays, float32 or integer
    attributes: format, trizoo, framework, step, epoch, best; recipe, metrics, state as JSON

A canonical name with its dots is one data set name. The same content gives the same bytes.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import trizoo
from trizoo.ground.conventions import EXPORTED
from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.files import open_ordinary, put_in_place, remove_left, temporary_beside
from trizoo.weights import hdf5
from trizoo.weights.hdf5.write import write

FORMAT = 1
OF_TRAINING = "adapters."  # what names begin with that only a run to resume needs
JSON_FIELDS = ("recipe", "metrics", "state")
ATTRIBUTES = ("format", "trizoo", "framework", "step", "epoch", *JSON_FIELDS)
ADVICE = "a .h5 of TriZoo's is needed; trizoo weights convert makes one of other weight files"

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run at one moment. Arrays are float32 or integer, of any shape, by canonical name.

    Args:
        recipe: as `trizoo.recipes.load.to_dict` gives it
        framework: the one that wrote it
        step, epoch: how many are done
        optimizer: slot -> canonical name -> array
        ema: averaged weights, or None where there are none
        best: the best score so far, or None
        metrics: of the last evaluation
        state: JSON-able, random generators and so on
        trizoo: the version that wrote it
        format: of the file
    """

    model: Arrays
    recipe: dict
    framework: str
    step: int = 0
    epoch: int = 0
    optimizer: dict[str, Arrays] = field(default_factory=dict)
    ema: Arrays | None = None
    best: float | None = None
    metrics: dict = field(default_factory=dict)
    state: dict = field(default_factory=dict)
    trizoo: str = trizoo.__version__
    format: int = FORMAT

    @property
    def weights(self):
        """What predicts, and what another training begins with: the averaged weights where the run keeps them."""
        return self.ema or self.model

    @property
    def is_backbone(self):
        """Whether it was made of a file that ends behind the backbone, so that the rest has yet to be trained."""
        return is_of_backbone(self.state)


def save(path, checkpoint):
    """Write a checkpoint. A kill at any moment leaves the file that was there before whole.

    It is written next to its place under a random name, flushed to the disk and renamed; what killed processes left
    there goes. Raises UnwrittenError where the disk refuses, ValueError for arrays that are neither float32 nor integer
    and for names that HDF5 cannot hold.
    """
    path = Path(path)
    groups = _groups(checkpoint)
    attributes = _attributes(checkpoint)
    remove_left(path.parent)
    try:
        with temporary_beside(path) as temporary:
            write(temporary, groups, attributes)
            put_in_place(temporary, path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError) as error:  # h5py says RuntimeError where closing the file fails
        if not path.parent.is_dir():
            raise UserError(f"checkpoint {path} cannot be written: {path.parent} is no folder; make it first") from None
        raise UnwrittenError(f"checkpoint {path} cannot be written: {_reason(error)}") from None


def load(path, *, optimizer=True):
    """The Checkpoint in a file; without what only a run to resume needs where `optimizer` is false.

    Raises UserError for a file that is missing, damaged, foreign or of a newer format. Links, external or virtual
    storage and filters are refused, so that reading never leaves the file; it takes the file's size and what
    `trizoo.weights.hdf5` says.
    """
    with _open(path) as file:
        reader = _Reader(file, Path(path))
        fields = reader.attributes()
        model = reader.arrays("model")
        slots = reader.slots() if optimizer else {}
        ema = reader.arrays("ema") if reader.has("ema") else None
        if not optimizer:
            model, ema = lasting(model), ema and lasting(ema)
        return Checkpoint(model=model, optimizer=slots, ema=ema, **fields)


def lasting(arrays):
    """What of a model in training is the model: name -> anything, without what OF_TRAINING begins."""
    return {name: array for name, array in arrays.items() if not name.startswith(OF_TRAINING)}


def load_recipe(path):
    """The recipe in a checkpoint, without reading its arrays: what `trizoo.recipes.load.from_dict` takes.

    Raises UserError as `load` does.
    """
    with _open(path) as file:
        return _Reader(file, Path(path)).attributes()["recipe"]


def holds_backbone(path):
    """Whether a checkpoint is of a backbone alone, without reading its arrays; see `Checkpoint.is_backbone`.

    Raises UserError as `load` does.
    """
    return is_of_backbone(load_state(path))


def load_origin(path):
    """What a converted checkpoint was made of, such as {"tag", "licence"}; {} for one that was trained here.

    Raises UserError as `load` does.
    """
    origin = load_state(path).get("origin")
    return origin if isinstance(origin, dict) else {}


def load_state(path):
    """What a checkpoint's `state` holds, without reading its arrays. Raises UserError as `load` does."""
    with _open(path) as file:
        return _Reader(file, Path(path)).attributes()["state"]


def is_of_backbone(state):
    """Whether a checkpoint's state says that it is of a backbone alone."""
    origin = state.get("origin")
    return isinstance(origin, dict) and origin.get("part") == "backbone"


def _groups(checkpoint):
    """HDF5 group -> name -> array, all checked."""
    groups = {"model": checkpoint.model, "optimizer": {}}
    if checkpoint.ema is not None:
        groups["ema"] = checkpoint.ema
    for slot, arrays in checkpoint.optimizer.items():
        groups[f"optimizer/{_checked_name(slot)}"] = arrays
    return {
        group: {_checked_name(name): _checked_array(group, name, array) for name, array in sorted(arrays.items())}
        for group, arrays in sorted(groups.items())
    }


def _attributes(checkpoint):
    attributes = {name: getattr(checkpoint, name) for name in ATTRIBUTES}
    if checkpoint.best is not None:
        attributes["best"] = float(checkpoint.best)
    for name in JSON_FIELDS:
        try:
            attributes[name] = json.dumps(attributes[name], default=_scalar)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} of the checkpoint is not JSON-able: {error}") from None
    return attributes


def _scalar(value):
    """NumPy's scalars as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {str(value)[:60]} has no JSON form")


def _checked_name(name):
    if not name or name == "." or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} cannot name an array in a checkpoint; a dotted name without slashes is needed")
    return name


def _checked_array(group, name, array):
    array = np.asarray(array)
    if array.dtype.kind not in "iu" and array.dtype.newbyteorder("=") != np.float32:
        raise ValueError(f"{group}/{name} is {array.dtype}; float32 or an integer type is needed")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


def _flush_folder(folder):
    """Make the rename itself last through a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error):
    """The system's words within an error of h5py."""
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)  # str() of a KeyError adds quotes
    found = re.search(r"error message = '([^']*)'", text)
    return found.group(1) if found else getattr(error, "strerror", None) or " ".join(text.split())


@contextmanager
def _open(path) -> Iterator[hdf5.Group]:
    """The file's root, while it is open for reading; what is damaged becomes a UserError."""
    if Path(path).is_dir():
        inside = sorted(file.name for file in Path(path).glob("*.h5"))[:1]
        hint = f"{Path(path, inside[0])} in it is one" if inside else "the path of one (.h5) is needed"
        raise UserError(f"{path} is a folder and no checkpoint; {hint}")
    try:
        with open_ordinary(path) as file:
            head = file.read(len(hdf5.SIGNATURE))
        if head != hdf5.SIGNATURE:
            if Path(path).suffix.lower() in EXPORTED:
                raise UserError(
                    f"{path} is an exported file, which predicts and is no checkpoint; the .h5 that it was made of is "
                    f"needed"
                )
            raise UserError(f"{path} is no HDF5 file, so no checkpoint; {ADVICE}")
        with hdf5.opened(path) as root:
            yield root
    except OSError as error:
        raise UserError(f"checkpoint {path} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise UserError(f"checkpoint {path} takes more memory than there is") from None
    except hdf5.DamagedError as error:
        raise UserError(f"checkpoint {path} is damaged or cut short: {error}") from None


class _Reader:
    """One open file, read with distrust."""

    def __init__(self, root, path):
        self.root = root
        self.path = path

    def attributes(self):
        """The fields of Checkpoint that are no arrays."""
        if "gallery" in self.root.attributes:
            raise UserError(
                f"{self.path} is a gallery and no checkpoint; --gallery takes it, and the .h5 of a model is needed here"
            )
        if not {"format", "trizoo"} <= self.root.attributes.keys():
            raise UserError(f"{self.path} is an HDF5 file of another program; {ADVICE}")
        fields = {"format": self.attribute("format", int)}
        if fields["format"] > FORMAT:
            writer = self.attribute("trizoo", str)
            raise UserError(
                f"checkpoint {self.path} has format {fields['format']}, written by TriZoo {writer};"
                f" this is TriZoo {trizoo.__version__}, which reads up to {FORMAT}: a newer version is needed"
            )
        for name in ("trizoo", "framework"):
            fields[name] = self.attribute(name, str)
        for name in ("step", "epoch"):
            fields[name] = self.attribute(name, int)
        for name in JSON_FIELDS:
            fields[name] = self.json(name)
        fields["best"] = self.attribute("best", float) if "best" in self.root.attributes else None
        return fields

    def attribute(self, name, kind):
        """A scalar attribute of that Python type."""
        found = self.root.attributes.get(name)
        if found is None:
            raise UserError(f"checkpoint {self.path} has no attribute {name!r}; it is not whole")
        value = found.values() if found.shape == () else None
        if value is None or type(value[0]) is not kind:
            raise UserError(f"checkpoint {self.path} has the attribute {name!r} in another form than {kind.__name__}")
        return value[0]

    def json(self, name):
        """The mapping in a JSON attribute."""
        text = self.attribute(name, str)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UserError(f"checkpoint {self.path} has an attribute {name!r} that is no JSON object: {text[:40]!r}")
        return value

    def has(self, name):
        """Whether the root has a member."""
        return name in self.root.members

    def group(self, name, parent, here):
        """A group that has to be there."""
        found = self.member(name, parent, here)
        if not isinstance(found, hdf5.Group):
            raise UserError(f"checkpoint {self.path} has no group {here!r}; it is not whole")
        return found

    def member(self, name, parent, here):
        """What a group holds by this name, as itself and not as a link to elsewhere; None where there is nothing."""
        if name in parent.members and parent.members[name] is None:
            raise UserError(f"checkpoint {self.path} holds a link at {here}; links are not followed")
        return parent.get(name)

    def slots(self):
        """The optimizer's arrays, by slot."""
        group = self.group("optimizer", self.root, "optimizer")
        return {slot: self.arrays(slot, group, f"optimizer/{slot}") for slot in group.members}

    def arrays(self, name, parent=None, here=None):
        """All arrays of a group, by name."""
        here = here or name
        group = self.group(name, parent or self.root, here)
        return {member: self.array(member, group, f"{here}/{member}") for member in group.members}

    def array(self, name, group, here):
        """One array: stored here, whole, as plain numbers."""
        data = self.member(name, group, here)
        if not isinstance(data, hdf5.Array):
            raise UserError(f"checkpoint {self.path} holds no array at {here}")
        dtype = data.type.dtype
        if dtype is None or (dtype.kind not in "iu" and dtype.newbyteorder("=") != np.float32):
            raise UserError(f"checkpoint {self.path} holds {data.type} at {here}; float32 or integers are needed")
        values = data.read()
        if values is None:
            raise UserError(f"checkpoint {self.path} does not hold all of the {data.shape} numbers of {here} in itself")
        return np.asarray(values, dtype.newbyteorder("="))
