"""The recipe: every number of a run, typed, bounded and documented.

`load.py` fills it from defaults, YAML files and the command line. A recipe is saved in the run folder and inside every
checkpoint, so that predicting, evaluating and resuming need nothing else.
"""

import functools
import operator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from trizoo import families
from trizoo.augment.pipeline import OPERATIONS, register_operation
from trizoo.families import FAMILIES
from trizoo.families.yolo.spec import YOLOLoss
from trizoo.ground.conventions import POLICIES
from trizoo.ground.fields import Count, Section
from trizoo.recipes.augmentations import HSV, SECTIONS, Flip, Operation, RandomPlacement, operation_section, own_section
from trizoo.recipes.class_maps import ClassNames
from trizoo.recipes.load import RECIPES
from trizoo.recipes.sections import (
    EMA,
    Data,
    Distillation,
    Evaluation,
    Freeze,
    MultiScale,
    Optimizer,
    Prediction,
    Schedule,
)


def model_section():
    """The class of the model section: the options of all families. Two that share an option have it from one base."""
    options = list(dict.fromkeys(family.options for family in FAMILIES.values()))
    bases = [own for own in options if not any(own is not other and issubclass(other, own) for other in options)]
    return type("Model", tuple(bases), {"__doc__": "The network.", "__module__": __name__})


def loss_section():
    """The type of the loss section: that of one of the families, as `kind` says."""
    losses = functools.reduce(operator.or_, [family.loss for family in FAMILIES.values()])
    return Annotated[losses, Field(discriminator="kind")]


Model, Loss = model_section(), loss_section()


class Recipe(Section):
    """A whole run."""

    model: Model = Model()
    classes: ClassNames = Field((), description="names in order of their ids; none = found in the data")
    data: Data = Data()
    input_size: tuple[Count, Count] = Field((416, 416), description="width, height")
    multi_scale: MultiScale = MultiScale()
    # a none of the command line, which is null elsewhere, is a policy here
    resize: Annotated[Literal[POLICIES], BeforeValidator(lambda value: "none" if value is None else value)] = Field(
        "letterbox",
        description="keep_ratio: each image a canvas of its own aspect, no side above input_size's; pad: no image is "
        "enlarged, and grey is added at the right and below; none: images as they are, all of one size, which becomes "
        "input_size",
    )
    anchors: Literal["auto", "keep"] = Field(
        "auto",
        description="auto: without pretrained heads, and without model.anchors, a YOLO begins with its own scaled to "
        "input_size, or with k-means' where these fit the boxes clearly better (with loss.match_ratio: with its own as "
        "they are where most boxes have one), and without model.anchor_scale SSD and RetinaNet with theirs times what "
        "fits better, or as the teacher has them; keep: its own as they are",
    )
    augment: tuple[Operation, ...] = (RandomPlacement(), Flip(), HSV())
    loss: Loss = YOLOLoss()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    ema: EMA = EMA()
    freeze: Freeze = Freeze()
    distill: Distillation = Distillation()
    sync_batch_norm: bool = Field(
        True, description="of several devices: batch norms go by the images of all; false = each by its own share"
    )
    evaluate: Evaluation = Evaluation()
    predict: Prediction = Prediction()
    precision: Literal["fp32", "bf16", "fp16", "auto"] = Field(
        "fp32", description="of the step's arithmetic; auto = bf16 where the device multiplies it itself, else fp32"
    )
    compile: bool = Field(False, description="compile the step: torch.compile, or XLA (always on for Keras on JAX)")
    seed: int = Field(0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _blends_have_their_place(self):
        before = {"place"} if self.resize == "none" else set()  # images of one size are on the canvas from the start
        for operation in self.augment:
            name = operation.op
            if name == "mixup" and operation.only_mosaic:
                if "mosaic" not in before:
                    raise ValueError(
                        "augment has a mixup of mosaics without a mosaic before it; list one, or set only_mosaic: false"
                    )
            elif name in ("mixup", "cutmix") and not before & {"random_placement", "place"}:
                raise ValueError(
                    f"augment has a {name} before images are on the canvas; list it after random_placement or place"
                )
            before.add(name)
        return self

    @model_validator(mode="after")
    def _unresized_has_one_size(self):
        scale = self.multi_scale
        if self.resize == "none" and scale.changes:
            raise ValueError(
                f"multi_scale is {scale}, and resize none takes images as they are; low and high of 1 and no sizes, or "
                f"another policy, would do"
            )
        return self

    @model_validator(mode="after")
    def _frozen_batch_divides(self):
        size, parts = self.freeze.batch_size, self.schedule.accumulate
        if size is not None and size % parts:
            raise ValueError(f"schedule.accumulate ({parts}) must divide freeze.batch_size ({size})")
        return self


def base_of(name):
    """The recipe that a model's run begins with: its base, None where none comes with the zoo, and overrides for that.

    A model of a family of one's own has no recipe file; it begins with the defaults and its family's loss.
    """
    if (RECIPES / f"{name}.yaml").is_file() or name not in families.ARCHITECTURES:
        return name, []
    kind = families.family_of(name).loss.model_fields["kind"].default
    return None, [("model.name", name, "the model"), ("loss", {"kind": kind}, f"the family of {name}")]


def register_augmentation(name, function):
    """Adds an augmentation of one's own, for recipes to name as `op`; see `augment.pipeline.register_operation`."""
    register_operation(name, function)
    SECTIONS[name] = own_section(name, OPERATIONS[name].defaults)
    refresh()


def register_family(name, family):
    """Adds a Family of one's own (`trizoo.families.Family`): recipes may name its models, options and loss.

    A framework's networks and loss go into its package's own table, such as `torch_zoo.families.FAMILIES`.
    Raises ValueError for names in use.
    """
    families.register_family(name, family)
    refresh()


def refresh():
    """Lets recipes name the families and augmentations that were registered since this module was imported."""
    sections = {"model": model_section(), "loss": loss_section(), "augment": tuple[operation_section(), ...]}
    for key, annotation in sections.items():
        Recipe.model_fields[key].annotation = annotation
        Recipe.__annotations__[key] = annotation
    Recipe.model_fields["model"].default = sections["model"]()
    Recipe.model_rebuild(force=True)
