"""PyTorch's tensors as they stand in a pickle: a storage, and how a tensor lies in it; without PyTorch."""

import math
from dataclasses import dataclass, replace

import numpy as np

from trizoo.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape
from trizoo.weights.readers.unpickle import Global, set_items

# PyTorch's name of a type -> how NumPy stores it; bfloat16 is made float32 in the end
STORED = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "bfloat16": "u2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint64": "u8",
    "uint32": "u4",
    "uint16": "u2",
    "uint8": "u1",
    "bool": "u1",
    "complex128": "c16",
    "complex64": "c8",
}
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
}
UNTYPED = "torch.storage.UntypedStorage"  # counts bytes
# Strides of 0 make tensors that are larger than their storage. Weights have none, and whoever copies them needs as much
# memory; so all tensors together may claim this many times the file's size. Small files may claim a little more.
REPEATS = 4
ALWAYS_ALLOWED = 16 << 20  # bytes


@dataclass(frozen=True)
class Storage:
    """`count` numbers of a type from number `offset` of the storage `key`, which has `total` of them in the file."""

    key: str
    type: str
    offset: int
    count: int
    total: int

    @property
    def itemsize(self):
        """Bytes of a number."""
        return np.dtype(STORED[self.type]).itemsize

    @property
    def nbytes(self):
        """Bytes of the storage, all of it."""
        return self.total * self.itemsize


@dataclass(frozen=True)
class Tensor:
    """A tensor that is still in the file.

    Args:
        offset: numbers of `type` before the first one, in the storage
        size: the shape
        stride: numbers of `type` from one element to the next, for each axis
        type: a key of STORED
        conjugate, negative: PyTorch's bits, whether the conjugate, or the negative, of the stored numbers is meant
    """

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    type: str
    conjugate: bool = False
    negative: bool = False

    @property
    def nbytes(self):
        """Bytes of the tensor, all its elements counted."""
        return math.prod(self.size) * np.dtype(STORED[self.type]).itemsize

    def array(self, data, byte_order):
        """The tensor's numbers, a view of `data` where it can be.

        Args:
            data: uint8 (N,), all of the storage
            byte_order: "<" or ">", the file's
        """
        stored = np.dtype(STORED[self.type]).newbyteorder(byte_order)
        strides = tuple(step * stored.itemsize for step in self.stride)
        start = self.storage.offset * self.storage.itemsize + self.offset * stored.itemsize
        if 0 in self.size:
            values = np.empty(self.size, stored)
        else:
            values = np.ndarray(self.size, stored, data, start, strides)
        values = values.astype(stored.newbyteorder("="), copy=False)
        if self.type == "bfloat16":
            values = float32_of_bfloat16(values)
        elif self.type == "bool":
            values = values.astype(bool)
        if self.conjugate:
            values = np.asarray(np.conj(values))
        return np.asarray(np.negative(values)) if self.negative else values


def storage(identity):
    """The Storage of a persistent id: ("storage", type, key, place, count), and in the legacy format a view or None.

    A view, (its key, offset, count), is a part of the storage.
    """
    if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] != "storage":
        raise UnreadableError("holds a reference to something that is no storage of numbers; a state dict is needed")
    kind, key, _, total = identity[1:5]
    name = kind.name if type(kind) is Global else None
    type_name = "uint8" if name == UNTYPED else STORAGES.get(str(name).removeprefix("torch."))
    if type_name is None or type(key) not in (str, int) or not _is_count(total):
        raise UnreadableError("holds a damaged reference to a storage; a whole file is needed")
    offset, count = 0, total
    if len(identity) == 6 and identity[5] is not None:
        _, offset, count = identity[5]
        if not (_is_count(offset) and _is_count(count) and offset + count <= total):
            raise UnreadableError(
                f"holds a view that reaches outside of storage {str(key)[:80]!r}; a whole file is needed"
            )
    return Storage(str(key), type_name, offset, count, total)


def find_global(name):
    """What a global of a pickle stands for; UnreadableError for all but the few that tensors consist of."""
    if name not in GLOBALS:
        raise UnreadableError(
            f"asks for {name[:80]!r}, which is no part of a tensor; nothing of it was run: a file that"
            " torch.save(model.state_dict(), ...) wrote is needed"
        )
    return GLOBALS[name]


def _is_count(value):
    return is_shape((value,))


def _rebuild_tensor(place, offset, size, stride):
    if type(place) is not Storage:
        raise TypeError
    return _tensor(place, offset, size, stride, place.type)


def _rebuild_tensor_v2(place, offset, size, stride, requires_grad, hooks, metadata=None):
    return _with_metadata(_rebuild_tensor(place, offset, size, stride), metadata)


def _rebuild_tensor_v3(place, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    type_name = dtype.name.removeprefix("torch.") if type(dtype) is Global else None
    if type(place) is not Storage or type_name not in STORED:
        raise TypeError
    return _with_metadata(_tensor(place, offset, size, stride, type_name), metadata)


def _rebuild_parameter(tensor, requires_grad, hooks, state=None):
    if type(tensor) is not Tensor:
        raise TypeError
    return tensor


def _tensor(place, offset, size, stride, type_name):
    """The checked Tensor."""
    lengths, steps = (value if type(value) is tuple else (None,) for value in (size, stride))
    if not (is_shape(lengths) and all(map(_is_count, (offset, *steps))) and len(lengths) == len(steps)):
        # Not quoted: a nested tuple can take longer to print than the universe has.
        raise UnreadableError(
            "holds a tensor whose offset, size or stride isn't a few whole numbers from 0; a whole file is needed"
        )
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    itemsize = np.dtype(STORED[type_name]).itemsize
    if 0 not in size and (last + 1) * itemsize > place.count * place.itemsize:
        raise UnreadableError(
            f"holds a tensor of offset {offset}, size {size} and stride {stride} that reaches outside of its storage"
            f" of {place.count * place.itemsize // itemsize:,} numbers; a whole file is needed"
        )
    return Tensor(place, offset, size, stride, type_name)


def _with_metadata(tensor, metadata):
    """Some tensors are stored as what they are the conjugate or negative of."""
    metadata = metadata if type(metadata) is dict else {}
    return replace(tensor, conjugate=metadata.get("conj") is True, negative=metadata.get("neg") is True)


def _ordered_dict(pairs=()):
    if type(pairs) not in (list, tuple):
        raise TypeError
    target = {}
    set_items(target, pairs)
    return target


def _size(lengths=()):
    if type(lengths) is not tuple:
        raise TypeError
    return lengths


CALLED = {
    "collections.OrderedDict": _ordered_dict,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
}
NAMED = (UNTYPED, *(f"torch.{name}" for name in (*STORAGES, *STORED)))
GLOBALS = {name: Global(name, call) for name, call in CALLED.items()} | {name: Global(name) for name in NAMED}
