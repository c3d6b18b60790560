"""The tensors in what torch.save was given: a state dict, bare, wrapped or with other things beside it."""

from trizoo.weights.readers.source import UnreadableError
from trizoo.weights.readers.tensors import Tensor

WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net")  # what training scripts call it
PREFIXES = ("module.", "_orig_mod.")  # of torch.nn.DataParallel and torch.compile
# Bounds on what a pickle of some kB can claim, since it may refer to one list 2^30 times, or to itself
DEEPEST = 32
MOST = 200_000
LONGEST = 1000


def tensors(root):
    """The tensors by name, and what was done to find them: ({name: Tensor}, {"wrapper", "prefix": text}).

    Nested containers give dotted names; what is no tensor is left out. Raises UnreadableError where there is none.
    """
    wrapper = []
    while type(root) is dict and (inner := next((key for key in WRAPPERS if type(root.get(key)) is dict), None)):
        wrapper.append(inner)
        root = root[inner]
        if len(wrapper) > DEEPEST:
            raise _too_much()
    found = {}
    for name, tensor in _tensors(root):
        if name in found:
            raise UnreadableError(f"holds two tensors of the name {name[:80]!r}; a state dict is needed")
        found[name] = tensor
    if not found:
        raise UnreadableError("holds no tensors; a state dict is needed")
    prefix = _common_prefix(found)
    about = {"wrapper": ".".join(wrapper), "prefix": prefix}
    return {name.removeprefix(prefix): tensor for name, tensor in found.items()}, about


def _tensors(root):
    """(dotted name, Tensor) of all in nested containers, in order."""
    seen, waiting = 1, [((), root)]
    while waiting:
        path, value = waiting.pop()
        if type(value) is Tensor:
            yield ".".join(path), value
        if type(value) in (list, tuple):
            value = dict(enumerate(value))
        if type(value) is not dict:
            continue
        seen += len(value)
        members = [((*path, str(key)), member) for key, member in value.items()]
        if seen > MOST or len(path) == DEEPEST or any(sum(map(len, name)) > LONGEST for name, _ in members):
            raise _too_much()
        waiting += reversed(members)


def _too_much():
    return UnreadableError(
        f"holds more than {MOST:,} values, containers nested {DEEPEST} deep or names of more than {LONGEST} letters;"
        " a state dict is needed"
    )


def _common_prefix(names):
    """The wrappers' prefix that all names share: "", or such as "module."."""
    prefix = ""
    while longer := next((prefix + end for end in PREFIXES if all(n.startswith(prefix + end) for n in names)), None):
        prefix = longer
    return prefix
