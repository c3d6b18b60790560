"""Checkpoints of ours as weight files for other programs."""

import json
from pathlib import Path

from common.errors import UserError
from common.recipes.load import from_dict
from common.recipes.schema import Recipe
from common.weights.checkpoint import load
from common.weights.importers.darknet import export_floats
from common.weights.readers import darknet, safetensors

SUFFIXES = (".weights", ".safetensors")
DARKNET_MEAN, DARKNET_STD = (0, 0, 0), (255, 255, 255)  # Darknet divides pixels by 255, whatever the network


def export(source, out):
    """Write the model of a checkpoint in the form that the suffix of `out` says.

    .weights: Darknet's, for the models that it has. .safetensors: the arrays by canonical name, with the model's name
    and classes as metadata. Raises UserError for another suffix, and for what the form can't hold.
    """
    out = Path(out)
    if out.suffix not in SUFFIXES:
        raise UserError(f"{out} ends in {out.suffix!r}; {' or '.join(SUFFIXES)} says what to write")
    checkpoint = load(source, optimizer=False)
    recipe = from_dict(Recipe, checkpoint.recipe, f"checkpoint {source}")
    if out.suffix == ".safetensors":
        metadata = {"model": recipe.model.name, "classes": json.dumps(recipe.classes, ensure_ascii=False)}
        safetensors.write(out, checkpoint.weights, metadata)
        return
    if (recipe.model.mean, recipe.model.std) != (DARKNET_MEAN, DARKNET_STD):
        raise UserError(
            f"{source} normalises pixels by mean {recipe.model.mean} and std {recipe.model.std}, Darknet divides by "
            f"255 only; .safetensors can hold it"
        )
    darknet.write(out, export_floats(checkpoint.weights, recipe.model.name, source=str(source)))
