"""Checkpoints of ours as weight files for other programs."""

import json
import math
from pathlib import Path

from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.weights.checkpoint import load
from trizoo.weights.classes import BACKGROUND, SEGMENTED_BACKGROUND, spread_classes
from trizoo.weights.importers.darknet import export_floats
from trizoo.weights.importers.torchvision import CLASSIFIERS_OF_ITS_OWN, DEEPLABV3, export_names
from trizoo.weights.readers import darknet, safetensors

SUFFIXES = (".weights", ".safetensors")
NAMES = ("trizoo", "torchvision")
DARKNET_MEAN, DARKNET_STD = (0, 0, 0), (255, 255, 255)  # Darknet divides pixels by 255, whatever the network
NEVER = -math.log(1 / 0.01 - 1)  # logit of 0.01, below any score that counts
PRESETS = {"ssd300-vgg16": "ssd300"}
RETINANET_PRESET = "retinanet"
HEAD = "head.predict.weight"  # of a classifier


def export(source, out, names="trizoo"):
    """Write the model of a checkpoint in the form that the suffix of `out` says -> notes, a line each.

    .weights: Darknet's, for the models that it has. .safetensors: the arrays by names "trizoo", which are canonical, or
    "torchvision", where torchvision has the model or a classifier with its backbone; with the model's name, classes and
    normalisation as metadata. Raises UserError for another suffix, and for what the form can't hold.
    """
    out = Path(out)
    if out.suffix not in SUFFIXES:
        raise UserError(f"{out} ends in {out.suffix!r}; {' or '.join(SUFFIXES)} says what to write")
    if names != "trizoo" and out.suffix != ".safetensors":
        raise UserError(f"{out} ends in {out.suffix!r}, which has no names; .safetensors can hold those of {names}")
    checkpoint = load(source, optimizer=False)
    recipe = from_dict(Recipe, checkpoint.recipe, f"checkpoint {source}")
    squared = recipe.model.coding == "squared"
    if out.suffix == ".safetensors":
        arrays, classes = checkpoint.weights, recipe.classes
        if names == "torchvision":
            arrays, classes = _for_torchvision(checkpoint, recipe, source)
        metadata = {"model": recipe.model.name, "classes": json.dumps(classes, ensure_ascii=False)}
        if names == "torchvision":
            metadata |= {"image_mean": _per_255(recipe.model.mean), "image_std": _per_255(recipe.model.std)}
        safetensors.write(out, arrays, metadata)
        return ["its widths and heights are coded squared, which such a file can't say"] if squared else []
    if (recipe.model.mean, recipe.model.std) != (DARKNET_MEAN, DARKNET_STD):
        raise UserError(
            f"{source} normalises pixels by mean {recipe.model.mean} and std {recipe.model.std}, Darknet divides by "
            f"255 only; .safetensors can hold it"
        )
    darknet.write(out, export_floats(checkpoint.weights, recipe.model.name, source=str(source)))
    if not squared:
        return []
    scale = recipe.model.scale_xy
    return [
        "its boxes are coded otherwise than in the .cfg of that name: [yolo] needs new_coords=1"
        + (f" and scale_x_y={scale:g}" if scale else "")
        + ", the [convolutional] before it activation=logistic"
    ]


def _for_torchvision(checkpoint, recipe, source):
    """Arrays by torchvision's names, and what their outputs mean.

    The background is first, COCO's classes are by number; a classifier has its classes alone.

    Batch norms are for an eps of 1e-5, torchvision's own. Raises UserError for what its graph can't do.
    """
    model, name, arrays = recipe.model, recipe.model.name, checkpoint.weights
    renamed = export_names(name, "backbone" if checkpoint.is_backbone else "model")
    wanted = PRESETS.get(name, RETINANET_PRESET)
    for key, ours, theirs in (
        ("anchor_preset", model.anchor_preset or wanted, wanted),
        ("anchor_scale", model.anchor_scale or 1.0, 1.0),
        ("norm", model.norm or "batch", "batch"),
        ("stride_on_1x1", bool(model.stride_on_1x1), False),
    ):
        if ours != theirs and not (checkpoint.is_backbone and key.startswith("anchor_")):
            raise UserError(f"{source} has model.{key} {ours!r}, torchvision's {theirs!r}; names alone don't change it")
    if checkpoint.is_backbone:
        return {renamed[ours]: array for ours, array in arrays.items() if ours in renamed}, ()
    if name in CLASSIFIERS_OF_ITS_OWN:
        arrays = arrays | {HEAD: arrays[HEAD][:, :, 0, 0]}  # a linear layer's
        return {renamed[ours]: arrays[ours] for ours in renamed}, recipe.classes
    classes = (BACKGROUND, *recipe.classes)
    if name in DEEPLABV3:
        classes = [BACKGROUND if given == SEGMENTED_BACKGROUND else given for given in recipe.classes]
    if name.startswith("retinanet-"):
        lists = load_manifest().class_lists
        if list(recipe.classes) == list(lists["coco80"]):
            classes = lists["coco91"]
        places = [classes.index(given) for given in recipe.classes]
        anchors = arrays["head_box.predict_box.bias"].size // 4
        arrays = spread_classes(arrays, anchors, places, len(classes), NEVER)
    return {renamed[ours]: arrays[ours] for ours in renamed}, classes


def _per_255(values):
    """Pixel values as torchvision's transforms have them, of pixels between 0 and 1."""
    return json.dumps([value / 255 for value in values])
