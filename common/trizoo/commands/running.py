"""Weights that are here, run in each framework: what `trizoo weights verify --deep` does."""

import numpy as np

from trizoo import api
from trizoo.data.synthetic import draw_image
from trizoo.framework import require_installed
from trizoo.ground.errors import UserError
from trizoo.weights import store

SHAPES = ("circle", "square", "triangle")
TOLERANCE = 1e-3  # of the greatest output: frameworks round differently, and public weights are deep


def run_everywhere(manifest):
    """Runs each whole model that is here on a drawn picture, with a line each. How many went wrong.

    Raises UserError where no framework is installed.
    """
    there = require_installed()
    problems = 0
    for tag, entry in manifest.weights.items():
        if entry.part == "model" and store.models_of(entry) and store.state(tag, entry):
            problem, told = _run(tag, there)
            problems += problem
            print(f"{tag}: {told}")
    return problems


def _run(tag, there):
    """Whether a tag went wrong, and a line about it: what the frameworks gave, and how far they lie apart."""
    try:
        path = str(store.resolve_weights(tag, offline=True))
        outputs = {name: _outputs(path, name) for name in there}
    except UserError as error:
        return True, str(error)
    strange = [name for name, found in outputs.items() if not all(np.isfinite(output).all() for output in found)]
    if strange:
        return True, f"outputs that are no numbers in {', '.join(strange)}"
    first, *others = outputs.values()
    apart = max(
        (float(np.abs(a - b).max() / np.abs(b).max()) for other in others for a, b in zip(other, first, strict=True)),
        default=0.0,
    )
    words = "run in " + ", ".join(there) + (f", at most {apart:.1g} of the greatest output apart" if others else "")
    return apart > TOLERANCE, words


def _outputs(path, name):
    """A checkpoint's raw outputs of a drawn picture, in a framework."""
    model = api.load(path, name, device="cpu")
    image = draw_image(1, model.recipe.input_size, SHAPES, seed=0)[0]
    return model.framework.predictor(model.model, "fp32", model.device)(image[None])
