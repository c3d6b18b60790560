"""What an importer gives."""

from typing import NamedTuple

import numpy as np


class Imported(NamedTuple):
    """A file's arrays under a model's canonical names.

    arrays: float32, in the model's order; missing: the model's other names; unexpected: the file's other names
    """

    arrays: dict[str, np.ndarray]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...] = ()
