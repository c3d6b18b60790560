"""PyTorch's operators on the graphs of .pt2 files, see pt2_graph.py for why `torch.export.load` isn't used."""

import operator

from trizoo.deploy.archives import read_notes
from trizoo.deploy.metadata import parse
from trizoo.deploy.pt2_graph import ATEN, DTYPES, LOOP, Graph, Name, Special, read
from trizoo.ground.errors import UserError

MOST_ROUNDS = 1 << 20  # of a loop; NMS has as many as there are boxes to keep


def version():
    """PyTorch's."""
    import torch

    return torch.__version__.partition("+")[0]


def devices():
    """What it runs on here."""
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def start(path, device, threads):
    """See `trizoo.deploy.runtimes.Runtime`. Thresholds are the file's own; so are PyTorch's threads."""
    import torch

    graph, arrays = read(path)
    metadata, _, _ = parse(read_notes(path), path)
    outputs = dict(zip((*metadata.outputs, *metadata.raw_outputs), graph.outputs, strict=True))
    tensors = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    (given,) = set(graph.inputs) - tensors.keys()
    special = {
        "dtype": {number: getattr(torch, name) for number, name in DTYPES.items()},
        "device": {0: torch.device(device)},
        "layout": {7: torch.strided},
        "memory_format": {1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format},
    }
    compiled = {}

    @torch.inference_mode()
    def run(images, names, numbers):
        if numbers:
            raise UserError(f"{path} keeps the thresholds that it was exported with; leave them out")
        names = tuple(names)
        if names not in compiled:
            compiled[names] = _Part(graph, [outputs[name] for name in names], special)
        found = compiled[names]({**tensors, given: torch.from_numpy(images).to(device)})
        return [value.cpu().numpy() for value in found]

    return run


class _Part:
    """What some outputs of a graph hang on, ready to run: {name: value} -> a list of values.

    Args:
        wanted: names of the outputs
        special: {kind of a `Special`: {number: PyTorch's own}}
    """

    def __init__(self, graph, wanted, special):
        self.wanted = wanted
        self.steps = []
        for step, unneeded in graph.part(wanted):
            arguments = [_ready(value, special) for value in step.arguments]
            options = {name: _ready(value, special) for name, value in step.options.items()}
            self.steps.append((_function(step.target), arguments, options, step.results, unneeded))

    def __call__(self, values):
        for function, arguments, options, results, unneeded in self.steps:
            found = function(
                *[_given(value, values) for value in arguments],
                **{name: _given(value, values) for name, value in options.items()},
            )
            if len(results) == 1 and isinstance(results[0], str):
                values[results[0]] = found
            else:
                found = [found] if len(results) == 1 else found
                for result, value in zip(results, found, strict=True):
                    values.update(zip(result, value, strict=True) if isinstance(result, list) else [(result, value)])
            for name in unneeded:
                values.pop(name, None)
        return [values[name] for name in self.wanted]


def _ready(value, special):
    """An argument without what only the file's own numbers stand for."""
    if isinstance(value, Special):
        return special[value.kind][value.number]
    if isinstance(value, Graph):
        part = _Part(value, value.outputs, special)
        return lambda *given: part(dict(zip(value.inputs, given, strict=True)))
    return value


def _given(value, values):
    """An argument with the values of names."""
    if isinstance(value, Name):
        return values[value.name]
    if isinstance(value, list):
        return [_given(part, values) for part in value]
    return value


def _function(target):
    """What a step calls."""
    import torch

    if target == LOOP:
        return _loop
    if target.startswith(ATEN):
        name, overload = target.removeprefix(ATEN).split(".")
        return getattr(getattr(torch.ops.aten, name), overload)
    return {"torch.sym_min": min}.get(target) or getattr(operator, target.rpartition(".")[2])


def _loop(goes_on, turn, carried, besides):
    """What is carried after the last round."""
    carried = list(carried)
    for _ in range(MOST_ROUNDS):
        (condition,) = goes_on(*carried, *besides)
        if not condition:
            return carried
        carried = turn(*carried, *besides)
    raise ValueError(f"a loop has more than {MOST_ROUNDS} rounds")
