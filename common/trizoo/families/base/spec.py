"""What every family of models says of itself."""

from dataclasses import dataclass
from typing import ClassVar

from trizoo.ground.errors import UserError

LEAST_SIDE = 32  # pixels; below it the coarsest features have less than a cell


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """All that is needed to build a network, to make its targets and to read its heads. Each family has its own.

    mean, std: of an image's R, G, B in 0..255; the network computes (image - mean) / std first
    family: which loss it learns by, the `kind` of a recipe's loss section
    """

    family: ClassVar[str]

    name: str
    num_classes: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)

    def targets(self, samples, size, loss):
        """{name: array} of a batch's samples at an input size (width, height); loss: the recipe's loss section."""
        raise NotImplementedError

    def decode(self, heads, placements, size, **options):
        """A list of `Detections`: raw heads of a batch at an input size (width, height), per image its Placement.

        options: score, threshold, max_detections, method; see `trizoo.families.yolo.decode.decode_yolo`.
        """
        raise NotImplementedError

    def first_bias(self, name, shape, prior):
        """The first value of a predicting convolution's bias, float32; prior: how likely anything is at first."""
        raise NotImplementedError

    def least_values(self, size):
        """Cells of the smallest features that a batch norm sees of one image; None where there is no batch norm."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a model's name stands for, whatever its classes.

    size_multiple: what the sides of inputs of changing size are rounded to
    backbone: prefix of the parameter names that a pretrained backbone fills and that `freeze` holds still
    task: what the model is for, a key of `trizoo.tasks.TASKS`; takes_any_size: odd sides, too
    OPTIONS: those of a recipe's model section that this family has, beside mean, std and objectness_prior
    """

    task: ClassVar[str] = "detection"
    takes_any_size: ClassVar[bool] = False
    OPTIONS: ClassVar[tuple[str, ...]] = ()

    size_multiple: int = 32
    backbone: str = "backbone."

    @property
    def only_size(self):
        """The (width, height) of input that the model is for, or None where there are many."""
        return None

    @property
    def variants(self):
        """Other graphs of the model, which parity holds beside the usual one: {name: options of `spec`}."""
        return {}

    def spec(self, name, num_classes, **options):
        """The ModelSpec; options that are None are the model's own. Raises UserError for one that doesn't fit."""
        raise NotImplementedError

    def check_input_size(self, name, size):
        """UserError unless the model takes images of this (width, height): any from 32 pixels a side, or as it says."""
        if min(size) < LEAST_SIDE:
            raise UserError(
                f"input size {size[0]}x{size[1]} is too small for {name}; {LEAST_SIDE} pixels a side, "
                f"or more, are needed"
            )


def preset(presets, name, wanted, model):
    """One of a family's anchor presets {name: anchors}, by default `name`; UserError with the names for another."""
    wanted = name if wanted is None else wanted
    if wanted not in presets:
        raise UserError(f"model.anchor_preset is {wanted!r}; {model} has {', '.join(presets)}")
    return wanted
