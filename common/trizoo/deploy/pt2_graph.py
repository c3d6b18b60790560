"""PyTorch's .pt2 files, read without PyTorch: the graph of torch.export as a list of steps, and its arrays.

`torch.export.load` unpickles what a file says is pickled, evaluates its expressions of sizes, and calls whatever its
graph names below `torch`, `os` among it. Here none of that is done: a graph is JSON, whose steps are the operators of
OPERATORS and whose weights are plain bytes; anything else ends the reading. Format: torch/_export/serde/schema.py.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from trizoo.deploy.archives import opened, read_text
from trizoo.ground.errors import UserError

ATEN, PYTHON = "torch.ops.aten.", "_operator."
LOOP = "torch.ops.higher_order.while_loop"
# of what the zoo's networks, their decoding and NMS are made
_ATEN = """
    __and__.Tensor _to_copy.default _unsafe_view.default abs.default add.Tensor all.dim amax.default arange.default
    arange.start_step argmax.default cat.default clamp.default clone.default conv2d.default div.Tensor
    div.Tensor_mode eq.Tensor exp.default expand.default floor_divide.default full.default gather.default ge.Scalar
    ge.Tensor group_norm.default gt.Scalar gt.Tensor hardtanh.default item.default leaky_relu.default lt.Scalar
    lt.Tensor matmul.default max.default max_pool2d.default maximum.default mean.dim minimum.default mish.default
    mul.Tensor neg.default pad.default permute.default prod.dim_int relu.default rsqrt.default scatter.value
    sigmoid.default slice.Tensor softmax.int sort.stable square.default stack.default sub.Tensor sum.dim_IntList
    sym_size.int unbind.int unsqueeze.default upsample_bilinear2d.vec upsample_nearest2d.vec view.default
    where.ScalarOther where.ScalarSelf where.self zeros.default
"""
OPERATORS = frozenset(
    [*(f"{ATEN}{name}" for name in _ATEN.split()), *(f"{PYTHON}{name}" for name in ("add", "floordiv", "mul", "sub"))]
) | {"torch.sym_min", LOOP}
DTYPES = {1: "uint8", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 12: "bool"}  # by PyTorch's numbers
_MEMBERS = re.compile(
    r"[^/]+/(data/(weights/(weight_\d+|model_weights_config\.json)|constants/(tensor_\d+|model_constants_config\.json)"
    r"|sample_inputs/model\.pt)|models/model\.json|extra/trizoo\.json|archive_format|archive_version"
    r"|\.data/(version|serialization_id)|byteorder)"
)
_NAMED = ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool")
_LISTS = ("as_tensors", "as_sym_ints", "as_optional_tensors")
_PLAIN = {"as_int": int, "as_float": (int, float), "as_bool": bool, "as_string": str}
_NOT_FINITE = ("Infinity", "-Infinity", "NaN")  # as texts, since JSON has no such numbers
_PLAIN_LISTS = {"as_ints": int, "as_floats": (int, float), "as_bools": bool}
_POSITIONAL, _KEYWORD = 1, 2


class OddError(Exception):
    """What trizoo export doesn't write, in words."""


@dataclass(frozen=True)
class Name:
    """An argument that an earlier step gave."""

    name: str


@dataclass(frozen=True)
class Special:
    """An argument that PyTorch has a type for.

    Args:
        kind: "dtype", "device", "layout" or "memory_format"
        number: PyTorch's own of it
    """

    kind: str
    number: int


@dataclass(frozen=True)
class Step:
    """A call of an operator.

    Args:
        target: one of OPERATORS
        arguments, options: by place and by name: numbers, texts, None, a Name, a Special, a Graph, or a list of these
        results: names of what it gives; a list within is one result of several values
    """

    target: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    results: tuple[Any, ...]

    @property
    def needs(self):
        """The names of steps and inputs that it takes."""
        given = [*self.arguments, *self.options.values()]
        flat = [part for value in given for part in (value if isinstance(value, list) else [value])]
        return {part.name for part in flat if isinstance(part, Name)}

    @property
    def gives(self):
        """The names of all that it gives."""
        return {name for result in self.results for name in (result if isinstance(result, list) else [result])}


@dataclass(frozen=True)
class Graph:
    """Steps in their order.

    Args:
        inputs, outputs: names
    """

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    def part(self, wanted):
        """The steps that these names hang on, each with the names that nothing needs after it."""
        needed, kept = set(wanted), []
        for step in reversed(self.steps):
            if step.gives & needed:
                kept.append((step, (step.needs | step.gives) - needed))
                needed |= step.needs
        return kept[::-1]


def read(path):
    """The Graph of a file and its arrays by the names of its inputs, `images` not among them.

    Raises UserError for what trizoo export doesn't write.
    """
    with opened(path) as archive:
        try:
            strange = [name for name in archive.names if not _MEMBERS.fullmatch(name)]
            root = archive.names[0].split("/")[0] if archive.names else ""
            strange += [name for name in archive.names if not name.startswith(f"{root}/")]
            if strange:
                raise OddError(f"a member {strange[0][:80]!r}")
            if archive.size(f"{root}/data/sample_inputs/model.pt"):
                raise OddError("pickled examples of its input")
            if read_text(archive, f"{root}/byteorder") != "little":
                raise OddError("numbers whose highest byte comes first")
            module = json.loads(read_text(archive, f"{root}/models/model.json"))["graph_module"]
            stored = _stored(archive, f"{root}/data/weights/", "model_weights_config.json")
            stored |= _stored(archive, f"{root}/data/constants/", "model_constants_config.json")
            graph = _graph(module["graph"])
            specs = [_only(spec) for spec in module["signature"]["input_specs"]]
            arrays = {}
            for name, (kind, spec) in zip(graph.inputs, specs, strict=True):
                if kind != "user_input":
                    arrays[name] = stored[spec[f"{kind}_name"]]
        except OddError as error:
            raise UserError(f"{path} holds {error}, which trizoo export doesn't write; so it isn't opened") from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{path} isn't written as torch.export does ({type(error).__name__}: {str(error)[:80]}); exporting it "
                f"again would do"
            ) from None
    if len(graph.inputs) != len(arrays) + 1:
        raise UserError(f"{path} has {len(graph.inputs) - len(arrays)} inputs; images alone are needed")
    return graph, arrays


def _only(value):
    """Key and value of a dict of one."""
    ((key, inner),) = value.items()
    return key, inner


def _stored(archive, folder, config):
    """{name: array} of a folder of plain bytes."""
    arrays, kept = {}, {}
    for name, about in json.loads(read_text(archive, folder + config))["config"].items():
        if about["use_pickle"]:
            raise OddError(f"a pickled {name[:80]!r}")
        meta, file = about["tensor_meta"], about["path_name"]
        shape, strides = ([_length(side) for side in meta[key]] for key in ("sizes", "strides"))
        dtype = np.dtype(DTYPES[meta["dtype"]])
        plain = [math.prod(shape[place + 1 :]) for place in range(len(shape))]
        dense = all(side == 1 or step == usual for side, step, usual in zip(shape, strides, plain, strict=True))
        if not dense or _length(meta["storage_offset"]):
            raise OddError(f"{name[:80]!r} as a part of other numbers")
        if file not in kept:
            kept[file] = archive.array(folder + file)
        if kept[file].nbytes != math.prod(shape) * dtype.itemsize:
            raise OddError(f"{name[:80]!r} of {kept[file].nbytes} bytes for the shape {shape}")
        arrays[name] = kept[file].view(dtype).reshape(shape)
    return arrays


def _length(value):
    """A whole number from 0."""
    kind, number = _only(value)
    if kind != "as_int" or type(number) is not int or number < 0:
        raise OddError(f"a length {str(value)[:80]}")
    return number


def _graph(value, depth=0):
    """The Graph of a serialised one."""
    return Graph(
        tuple(_name(given) for given in value["inputs"]),
        tuple(_step(node, depth) for node in value["nodes"] if node["outputs"]),
        tuple(_name(given) for given in value["outputs"]),
    )


def _step(node, depth):
    target = node["target"]
    if target not in OPERATORS:
        # comparisons of sizes are for assertions alone, so nothing that is wanted hangs on them
        if target in (f"{PYTHON}ge", f"{PYTHON}le", f"{PYTHON}eq", f"{PYTHON}ne", f"{PYTHON}gt", f"{PYTHON}lt"):
            return Step(target, (), {}, ())
        raise OddError(f"an operator {str(target)[:80]!r}")
    places, names = [], {}
    for given in node["inputs"]:
        value = _argument(given["arg"], depth)
        if given["kind"] == _POSITIONAL:
            places.append(value)
        elif given["kind"] == _KEYWORD:
            names[str(given["name"])] = value
        else:
            raise OddError(f"an argument of kind {str(given['kind'])[:20]}")
    return Step(target, tuple(places), names, tuple(_result(output) for output in node["outputs"]))


def _argument(value, depth):
    kind, inner = _only(value)
    if kind in _NAMED:
        return _reference(inner)
    if kind in _LISTS:
        return [_reference(part) for part in inner]
    if kind in _PLAIN and isinstance(inner, _PLAIN[kind]):
        return inner
    if kind == "as_float" and inner in _NOT_FINITE:
        return float(inner)
    if kind in _PLAIN_LISTS and all(isinstance(part, _PLAIN_LISTS[kind]) for part in inner):
        return list(inner)
    if kind == "as_none":
        return None
    if kind == "as_device":
        return Special("device", 0)
    if kind in ("as_scalar_type", "as_layout", "as_memory_format"):
        return Special({"as_scalar_type": "dtype"}.get(kind, kind.removeprefix("as_")), int(inner))
    if kind == "as_graph" and depth == 0:
        return _graph(inner["graph"], depth + 1)
    raise OddError(f"an argument {kind[:40]!r}")


def _reference(value):
    """A Name, or a whole number."""
    if "name" in value:
        return Name(str(value["name"]))
    kind, inner = _only(value)
    if kind == "as_name":
        return Name(str(inner))
    return _argument(value, 1)


def _result(value):
    kind, inner = _only(value)
    return [str(part["name"]) for part in inner] if kind == "as_tensors" else _name(value)


def _name(value):
    found = _argument(value, 1)
    if not isinstance(found, Name):
        raise OddError("a graph with an input or output that is no name")
    return found.name
