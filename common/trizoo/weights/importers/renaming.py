"""From our names to a file's, by rules, and the arrays that are there under those.

A rule is a pattern of one of our modules (a name without its last part, as `backbone.stem.conv`) and what the file
calls it: a template of `re.Match.expand`, or a function of the match.
"""

import re

import numpy as np

from trizoo.families.classification.spec import CLASSIFICATION_ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.weights.importers.imported import ChangedError, Imported
from trizoo.weights.names import load_names
from trizoo.weights.report import NOT_OURS

# What a shape depends on beside the model: classes, and what a RetinaNet's P6 is made of
VARIABLE = (".predict_class.", ".predict.", "fpn.p6.")


def rename(model, rules, shapes=None):
    """{our name: the file's} of a model's names that a rule is for, in the model's order; the first rule rules.

    Args:
        shapes: {our name: shape} of a graph that options make, None for the model's own
    """
    found = {}
    for name in shapes or load_names(model):
        module, _, leaf = name.rpartition(".")
        for pattern, theirs in rules:
            if match := re.fullmatch(pattern, module):
                found[name] = f"{match.expand(theirs) if isinstance(theirs, str) else theirs(match)}.{leaf}"
                break
    return found


def take(arrays, names, model, source, shapes=None):
    """Arrays by a file's names as an Imported.

    Args:
        arrays: {the file's name: array}
        names: {our name: the file's}
        source: what the file is called in errors
        shapes: see `rename`

    Raises:
        ChangedError: where one of them isn't as the model's
    """
    shapes = shapes or load_names(model)
    taken = {ours: as_float32(theirs, arrays[theirs], source) for ours, theirs in names.items() if theirs in arrays}
    odd = [
        ours
        for ours, array in taken.items()
        if array.shape != shapes[ours] and not any(part in ours for part in VARIABLE)
    ]
    theirs = [name for name in arrays if name.rsplit(".", 1)[-1] != NOT_OURS]
    if odd:
        first = odd[0]
        anchors = " with as many anchors a cell" if "predict" in first else ""
        raise ChangedError(
            f"{source} holds {names[first]} of shape {taken[first].shape}, {model} needs {shapes[first]}; weights of "
            f"this model{anchors} are needed",
            1 - (len(taken) - len(odd)) / max(len(shapes), len(theirs)),
        )
    used = set(names.values())
    return Imported(
        {name: taken[name] for name in shapes if name in taken},
        tuple(name for name in shapes if name not in taken),
        tuple(name for name in theirs if name not in used),
    )


def with_layer(arrays, rules, model, layers, turned=False):
    """Arrays and rules with a classifier's last layer, as they are for other models and where there is none.

    Its kernel becomes that of the 1x1 convolution that ours is: (C, in) or, turned, (in, C) -> (C, in, 1, 1).

    Args:
        layers: what the file may call it
    """
    layer = next((layer for layer in layers if f"{layer}.weight" in arrays), None)
    if model not in CLASSIFICATION_ARCHITECTURES or layer is None:
        return arrays, rules
    kernel = arrays[f"{layer}.weight"]
    if kernel.ndim == 2:
        arrays = arrays | {f"{layer}.weight": (kernel.T if turned else kernel)[:, :, None, None]}
    return arrays, (*rules, (r"head\.predict", layer))


def as_float32(name, array, source):
    """An array of real numbers as float32; UserError for one of others."""
    if array.dtype.kind not in "fiu":
        raise UserError(f"{source} holds {array.dtype} for {name}; real numbers are needed")
    return np.asarray(array, np.float32)


def require_backbone(imported, dropped, what, model, source):
    """UserError where a classifier's file has more, or less, of a backbone than a model.

    Args:
        dropped: how the names of the classifier's own arrays begin
        what: the file's network, in words
        source: what the file is called in errors
    """
    lacking = [name for name in imported.missing if name.startswith("backbone.")]
    beyond = [name for name in imported.unexpected if not name.startswith(dropped)]
    if not imported.arrays or lacking or beyond:
        nothing = "has nothing in common with it"
        odd = (f"lacks {lacking[0]}" if lacking else f"also holds {beyond[0]}") if imported.arrays else nothing
        raise UserError(f"{source} is {what} and {odd}, so it is no backbone of {model}; one as deep is needed")
