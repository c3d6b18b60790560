"""The sections of a recipe that are alike for every model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from trizoo.data.layouts import LAYOUTS
from trizoo.ground.boxes import NMS_METHODS
from trizoo.ground.fields import Count, Momentum, NotNegative, Positive, Probability, Section
from trizoo.recipes.class_maps import ClassMap
from trizoo.recipes.masks import Colours, MaskMap


class Data(Section):
    """Where images come from."""

    root: str | None = Field(None, description="folder of the data set; none = the zoo's synthetic data")
    train: str | None = Field(None, description="split to train on; none = train, else trainval, else all images")
    validation: str | None = Field(
        None, description="split for choosing the best epoch; none = val, else a fifth of train"
    )
    test: str | None = Field(None, description="split for the final metrics; none = test, else the validation split")
    overfit: int = Field(0, ge=0, description="train and evaluate on this many images of the train split; 0 = off")
    limit: int = Field(0, ge=0, description="train on at most this many images, classes balanced; 0 = all")
    rare_below: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="images with a class that fewer than this share of them hold come more often; 0 = all alike"
    )
    per_class: int = Field(
        0, ge=0, description="images of a class that come together, so that a batch has pairs of each; 0 = as drawn"
    )
    layout: Literal[LAYOUTS] | None = Field(None, description="of the labels; none = the first that is there")
    images: str | None = Field(None, description="folder of the images, below root or anywhere; none = found")
    annotations: str | None = Field(None, description="file or folder of the labels or masks; none = found")
    classes_map: ClassMap = Field(
        (), description="{tvmonitor: tv} = objects called tvmonitor are of class tv, * = any other; boxes only"
    )
    mask_map: MaskMap = Field(
        (), description="{255: 1} = 255 in a mask file is class 1, else ignored; {128-255: 1} = a range"
    )
    palette: Colours | None = Field(
        None,
        description="colours of classes in order, as [r, g, b] or hex, for masks in colours; voc, cityscapes",
    )
    ignore_colours: Colours = Field((), description="colours in masks that count nowhere; VOC's is e0e0c0")

    @model_validator(mode="after")
    def _one_of_two(self):
        if self.overfit and self.limit:
            raise ValueError(
                f"overfit is {self.overfit} and limit {self.limit}; one of them says how few images there are"
            )
        if self.per_class and self.rare_below:
            raise ValueError(
                f"per_class is {self.per_class} and rare_below {self.rare_below:g}; one of them says which images come"
            )
        return self


class MultiScale(Section):
    """Input sizes that change during training: a random factor of input_size, rounded to what the model takes.

    Or one of a list. Evaluation keeps to input_size.
    """

    low: Positive = Field(1.0, description="least factor; 1 and 1 = always input_size")
    high: Positive = Field(1.0, description="greatest factor")
    sizes: tuple[tuple[Count, Count], ...] = Field(
        (), description="in place of factors: [shorter side, longer side at most] of which one is drawn; () = none"
    )
    every: Count = Field(10, description="steps at one size")

    @property
    def changes(self):
        """Whether there is more than input_size."""
        return bool(self.sizes) or (self.low, self.high) != (1, 1)

    def __str__(self):
        return f"{[list(size) for size in self.sizes]}" if self.sizes else f"{self.low:g} to {self.high:g}"

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; low must not be above high")
        if self.sizes and (self.low, self.high) != (1, 1):
            raise ValueError(
                f"sizes is {[list(size) for size in self.sizes]}, and low and high are {self.low:g} and {self.high:g}; "
                f"sizes or factors are needed, not both"
            )
        for shorter, longer in self.sizes:
            if shorter > longer:
                raise ValueError(f"sizes has [{shorter}, {longer}]; the shorter side comes first")
        return self


class Optimizer(Section):
    """How gradients become steps."""

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: Momentum = Field(0.937, description="SGD's momentum, Adam's beta 1")
    nesterov: bool = Field(True, description="SGD only")
    beta2: Momentum = Field(0.999, description="Adam and AdamW")
    weight_decay: NotNegative = Field(
        5e-4, description="on kernels only: added to the gradient, or with adamw, times lr, taken from the kernel"
    )
    clip_norm: Positive | None = Field(None, description="greatest norm of the whole gradient; none = no clipping")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self):
        if self.name == "sgd" and self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; set nesterov to false for plain SGD")
        return self


class Schedule(Section):
    """How long, how many at once, how fast. `schedule: auto` is short for `schedule: {epochs: auto}`."""

    words: ClassVar = {"auto": {"epochs": "auto"}}  # what may stand in the mapping's place
    alternatives: ClassVar = (("epochs", "iterations"),)  # one that is given anew takes the other's place

    epochs: Count | Literal["auto"] | None = Field(
        None, description="none = 100, unless iterations says how long; auto = by the number of images"
    )
    iterations: Count | None = Field(None, description="length in steps, instead of epochs")
    batch_size: Count = 8
    accumulate: Count = Field(1, description="a batch is split into this many parts to save memory")
    lr: Positive = Field(0.01, description="peak learning rate of a batch of lr_batch images")
    lr_batch: Count | None = Field(64, description="lr scales with batch_size / lr_batch; none = lr as it is")
    lr_bounds: tuple[Positive, Positive] = Field((5e-4, 5e-2), description="of the scaled lr")
    kind: Literal["cosine", "step", "halve"] = "cosine"
    halve_every: Count | None = Field(
        None, description="of kind halve: steps after which the lr is half, again and again"
    )
    patience: int = Field(
        0, ge=0, description="epochs without a better validation metric after which the run ends; 0 = it never does"
    )
    final: Probability = Field(0.01, description="last lr / peak lr")
    warmup: Probability = Field(0.05, description="share of the run")
    warmup_epochs: NotNegative = Field(3.0, description="but at most this many epochs")
    warmup_start: Probability = Field(0.1, description="first lr / peak lr")
    flat: Probability = Field(0.05, description="share of the run at the last lr (cosine)")
    flat_epochs: NotNegative = Field(15.0, description="but at most this many epochs")

    @model_validator(mode="after")
    def _one_length(self):
        if self.epochs is not None and self.iterations is not None:
            both = f"epochs ({self.epochs}) and iterations ({self.iterations})"
            raise ValueError(f"{both} are both given; set one to null")
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate ({self.accumulate}) must divide batch_size ({self.batch_size})")
        if (self.kind == "halve") != (self.halve_every is not None):
            raise ValueError(
                f"kind is {self.kind} and halve_every {self.halve_every or 'null'}; a kind of halve needs halve_every, "
                f"such as 5000 steps, and other kinds don't have it"
            )
        if self.lr_bounds[0] > self.lr_bounds[1]:
            raise ValueError(f"lr_bounds is {list(self.lr_bounds)}; the least must come first")
        return self


class EMA(Section):
    """A moving average of the weights, which is evaluated and kept as the best instead of the weights themselves."""

    decay: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="share of the old average; 0 = no average")
    warmup: NotNegative = Field(2000.0, description="steps over which the decay itself rises to 63 % of its value")


class Freeze(Section):
    """What is held still: the pretrained backbone in the first epochs, batch norms' statistics.

    Without pretrained weights the epochs that the zoo's own recipes freeze aren't, and any other are an error.
    """

    epochs: int = Field(0, ge=0)
    batch_size: Count | None = Field(None, description="batch size of the frozen epochs; none = the schedule's")
    batch_norm: bool = Field(False, description="use the stored mean and variance throughout, for tiny batches")


class Distillation(Section):
    """What is learned of a trained model, the teacher, beside the labels (Hinton et al. 2015)."""

    teacher: str | None = Field(None, description="checkpoint of a trained model with the same classes; none = off")
    labels: NotNegative = Field(1.0, description="gain of the model's own loss; 0 = the teacher alone teaches")
    outputs: NotNegative = Field(1.0, description="gain of the divergence from the teacher's outputs; 0 = off")
    temperature: float = Field(4.0, ge=0.01, le=1000, description="that logits of a softmax are divided by first")
    features: NotNegative = Field(
        0.0, description="gain of the error of backbone features, adapted by 1x1 convolutions; 0 = off"
    )

    @property
    def learns_outputs(self):
        """Whether there is a teacher whose outputs are learned."""
        return self.teacher is not None and self.outputs > 0

    @model_validator(mode="after")
    def _teaches(self):
        if self.teacher is not None and not self.teacher.strip():
            raise ValueError(f"teacher is {self.teacher!r}; the path of a checkpoint, or null for none, is needed")
        if self.teacher is not None and not (self.outputs or self.features):
            raise ValueError("outputs and features are both 0, so the teacher teaches nothing; one above 0 is needed")
        if self.teacher is None and self.features:
            raise ValueError(f"features is {self.features:g}, and there is no teacher; --teacher FILE says which")
        return self


class Evaluation(Section):
    """How the validation metrics are made."""

    every: Count = Field(1, description="epochs from one evaluation to the next; the last epoch always has one")
    start: Count = Field(1, description="first epoch to evaluate")
    loss_images: int = Field(
        500, ge=0, description="validation images, evenly spread, that the loss is measured on, too; 0 = none"
    )
    best: str | None = Field(
        None, description="metric that best.h5 is the best by, and patience goes by: mAP, say; null: the task's first"
    )
    score: Probability = 0.001
    nms: Probability = 0.5
    nms_method: Literal[NMS_METHODS] = Field("hard", description="what happens to boxes that overlap")
    max_detections: Count = 100


class Prediction(Section):
    """How pictures are predicted unless the command line says otherwise."""

    score: Probability = 0.5
    nms: Probability = 0.3
    nms_method: Literal[NMS_METHODS] = Field("hard", description="as in evaluate")
