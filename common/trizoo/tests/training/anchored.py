"""Recipes of models with anchors, and records of boxes for them."""

from pathlib import Path

import numpy as np

from trizoo.ground.sample import Record
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of


def recipe_of(model="yolov3-tiny", **values):
    base, overrides = base_of(model)
    values = {"data.root": "set", "classes": ["a"], "input_size": [256, 256], **values}
    overrides = [*overrides, *((key.replace("__", "."), value, "test") for key, value in values.items())]
    return load(Recipe, base=base, overrides=overrides).recipe


def record(sizes, image_size=(256, 256), crowd=None):
    sizes = np.array(sizes, np.float32).reshape(-1, 2)
    boxes = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
    flags = np.zeros(len(sizes), bool)
    crowd = flags if crowd is None else np.array(crowd, bool)
    return Record("0", Path("0.png"), image_size, boxes, np.zeros(len(sizes), np.int64), flags, crowd)
