"""Reading a checkpoint's file with distrust: every fault is a UserError, and nothing leaves the file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import trizoo
from trizoo.ground.conventions import EXPORTED
from trizoo.ground.errors import UserError
from trizoo.ground.files import open_ordinary
from trizoo.weights import hdf5

FORMAT = 1  # of files; greater ones are of newer versions
JSON_FIELDS = ("recipe", "metrics", "state")
ADVICE = "a .h5 of TriZoo's is needed; trizoo weights convert makes one of other weight files"


@contextmanager
def opened(path) -> Iterator[hdf5.Group]:
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


class CheckpointReader:
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
