"""What an exported file says of itself, so that it needs no other file: JSON in the graph's file, under `trizoo`.

Limits: 16 MiB and 100,000 values: within 200 MiB and 5 seconds.
"""

import json
from typing import Any, Literal

from pydantic import Field, ValidationError

from trizoo import __version__
from trizoo.families import ModelSpec
from trizoo.ground.errors import UserError
from trizoo.ground.fields import Count, Probability, Section
from trizoo.recipes.load import from_dict, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.training.specs import spec_of

FORMAT = 1
KEY = "trizoo"  # of the JSON in a file's own place for such notes
MOST_BYTES = 1 << 24
NUMBERS = ("confidence", "nms", "max_detections")  # of boxes, that may be inputs
MOST_VALUES = 100_000  # with the commas of their texts; those of 1,000 classes have 1,500
# of a recipe, what predicting and evaluating need; the paths of the data stay at home
PARTS = ("model", "classes", "input_size", "resize", "evaluate", "predict")
OF_DATA = ("mask_map", "palette", "ignore_colours")


class Thresholds(Section):
    """Of the boxes that the graph gives. Where the runtime allows it they are optional inputs of these names."""

    confidence: Probability
    nms: Probability
    max_detections: Count
    nms_method: Literal["hard", "vote"] = Field("hard", description="never an input")

    @property
    def numbers(self):
        """Those of NUMBERS: {name: number}."""
        return self.model_dump(include=set(NUMBERS))


class Metadata(Section):
    """What an exported file says of itself."""

    format: int = FORMAT
    trizoo: str = __version__
    task: str
    kind: Literal["boxes", "mask", "probabilities", "raw"] = Field(description="what the graph ends in")
    outputs: tuple[str, ...] = Field(description="names of what it ends in, before those of the raw outputs")
    raw_outputs: tuple[str, ...]
    dynamic_size: bool
    batch: Count | None = Field(description="images at once; none = any number")
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    thresholds: Thresholds | None = None
    licence: str | None = Field(None, description="of the weights, where it is known")
    recipe: dict[str, Any] = Field(description="model, classes, input size, resize policy, thresholds of the zoo's own")

    @property
    def input_size(self):
        """(width, height) that it was made for."""
        return tuple(self.recipe["input_size"])

    def to_json(self):
        """As text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)


def describe(recipe, spec, *, raw, dynamic_size, batch, precision, thresholds, licence):
    """The Metadata of a model.

    Args:
        raw: whether the graph ends in the network's own outputs
        dynamic_size: whether it takes images of any size that the model does
        batch: images at once, None for any number
        precision: "fp32", "fp16" or "int8"
        thresholds: a `Thresholds`; None: those of the recipe
        licence: of the weights, None where it isn't known
    """
    task = task_of(spec.name)
    kind, outputs = ("raw", ()) if raw else task.ends
    whole = to_dict(recipe)
    parts = {name: whole[name] for name in PARTS}
    parts["data"] = {name: whole["data"][name] for name in OF_DATA}
    parts["loss"] = {"kind": spec.family}
    return Metadata(
        task=task.name,
        kind=kind,
        outputs=outputs,
        raw_outputs=spec.output_names,
        dynamic_size=dynamic_size,
        batch=batch,
        precision=precision,
        thresholds=thresholds if kind == "boxes" else None,
        licence=licence,
        recipe=parts,
    )


def parse(text, path):
    """The Metadata, Recipe and ModelSpec in a file's JSON. Raises UserError for what trizoo export didn't write.

    Args:
        text: None where the file has no such note
        path: of the file, for errors
    """
    foreign = f"{path} wasn't written by trizoo export, so its outputs aren't known"
    if text is None:
        raise UserError(f"{foreign}; a file of trizoo export, or the checkpoint (.h5), is needed")
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise UserError(f"{path} has notes of more than {MOST_VALUES:,} values, so they aren't TriZoo's")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{path} has notes of TriZoo's that are no JSON object; exporting it again would do")
    if isinstance(value.get("format"), int) and value["format"] > FORMAT:
        raise UserError(
            f"{path} has notes of format {value['format']}, and this is TriZoo {__version__}, which reads up to "
            f"{FORMAT}: a newer version is needed"
        )
    try:
        metadata = Metadata.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path} has notes of TriZoo's that don't fit at {where} ({first['msg']}); exporting it again would do"
        ) from None
    recipe = from_dict(Recipe, metadata.recipe, f"the notes of {path}")
    if not recipe.classes:
        raise UserError(f"{path} has notes of TriZoo's without classes; exporting it again would do")
    spec = spec_of(recipe)
    _check_fit(metadata, spec, path)
    return metadata, recipe, spec


def _check_fit(metadata, spec: ModelSpec, path):
    """UserError where what is said of the outputs isn't the model's."""
    known = metadata.task == task_of(spec.name).name and metadata.raw_outputs == spec.output_names
    if not known:
        raise UserError(
            f"{path} has notes of TriZoo's in which the outputs {', '.join(metadata.raw_outputs)} are said to be those "
            f"of {spec.name}, which has {', '.join(spec.output_names)}; exporting it again would do"
        )
