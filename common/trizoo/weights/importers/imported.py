"""What an importer gives."""

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from trizoo.ground.errors import UserError

NOTHING: MappingProxyType[str, Any] = MappingProxyType({})


NEAR = 0.1  # share of arrays that don't fit up to which a file is taken for a changed one of a model


class ChangedError(UserError):
    """A file that holds a model's arrays, and isn't that model's as a whole.

    Args:
        wrong: share of the arrays that don't fit, are missing or are none of the model's
    """

    def __init__(self, message, wrong=0.0):
        super().__init__(message)
        self.wrong = wrong


class Imported(NamedTuple):
    """A file's arrays under a model's canonical names.

    Args:
        arrays: float32, in the model's order
        missing: the model's other names
        unexpected: the file's other names
        settings: what a recipe's model section must say for these arrays: key -> value
        notes: what a person should know, a line each
        background: whether the first output of each anchor stands for a background that our model doesn't predict
        recipe: what other parts of a recipe must say for them: dotted key -> value
        anchor_places: of a YOLO, which of the anchors that its repository lists are our model's, in our model's order;
            None for all of them
    """

    arrays: dict[str, np.ndarray]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...] = ()
    settings: dict[str, Any] | MappingProxyType[str, Any] = NOTHING
    notes: tuple[str, ...] = ()
    background: bool = False
    recipe: dict[str, Any] | MappingProxyType[str, Any] = NOTHING
    anchor_places: tuple[int, ...] | None = None
