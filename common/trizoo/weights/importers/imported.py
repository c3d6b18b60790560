"""What an importer gives."""

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

NOTHING: MappingProxyType[str, Any] = MappingProxyType({})


class Imported(NamedTuple):
    """A file's arrays under a model's canonical names.

    Args:
        arrays: float32, in the model's order
        missing: the model's other names
        unexpected: the file's other names
        settings: what a recipe's model section must say for these arrays: key -> value
        notes: what a person should know, a line each
        background: whether the first output of each anchor stands for a background that our model doesn't predict
    """

    arrays: dict[str, np.ndarray]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...] = ()
    settings: dict[str, Any] | MappingProxyType[str, Any] = NOTHING
    notes: tuple[str, ...] = ()
    background: bool = False
