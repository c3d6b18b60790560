"""Results as JSON can hold them."""

import math

import numpy as np


def plain(value):
    """The same in Python's own types, with None for nan: dicts, lists, arrays and numbers, one in another."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and math.isnan(value) else value


def shown(value):
    """A metric for a person: four digits, or "none"."""
    return "none" if value is None else f"{value:.4f}"
