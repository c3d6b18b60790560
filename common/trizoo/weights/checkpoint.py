"""Checkpoints: one HDF5 file that holds a model, its recipe and all that a resume needs, for every framework.

    model/<canonical name>, ema/<canonical name>, optimizer/<slot>/<canonical name>     arrays, float32 or integer
    attributes: format, trizoo, framework, step, epoch, best; recipe, metrics, state as JSON

A canonical name with its dots is one data set name. The same content gives the same bytes.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import trizoo
from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.files import put_in_place, remove_left, temporary_beside
from trizoo.weights.checkpoint_reader import FORMAT, JSON_FIELDS, CheckpointReader, opened
from trizoo.weights.hdf5.write import write

OF_TRAINING = "adapters."  # what names begin with that only a run to resume needs
ATTRIBUTES = ("format", "trizoo", "framework", "step", "epoch", *JSON_FIELDS)

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
    with opened(path) as file:
        reader = CheckpointReader(file, Path(path))
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
    with opened(path) as file:
        return CheckpointReader(file, Path(path)).attributes()["recipe"]


def holds_backbone(path):
    """Whether a checkpoint is of a backbone alone, without reading its arrays; see `Checkpoint.is_backbone`.

    Raises UserError as `load` does.
    """
    return is_of_backbone(load_state(path))


def gives_backbone_alone(is_backbone, recipe, model):
    """Whether a checkpoint gives a model its backbone alone: it holds no more, or is a classifier's.

    Args:
        is_backbone: `Checkpoint.is_backbone` or `holds_backbone`
        recipe: the checkpoint's, as a dict
        model: name
    """
    return is_backbone or recipe["model"].get("name", model) != model


def load_origin(path):
    """What a converted checkpoint was made of, such as {"tag", "licence"}; {} for one that was trained here.

    Raises UserError as `load` does.
    """
    origin = load_state(path).get("origin")
    return origin if isinstance(origin, dict) else {}


def load_state(path):
    """What a checkpoint's `state` holds, without reading its arrays. Raises UserError as `load` does."""
    with opened(path) as file:
        return CheckpointReader(file, Path(path)).attributes()["state"]


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
