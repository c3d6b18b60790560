"""What every family of models says of itself."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from trizoo.ground.errors import UserError
from trizoo.ground.fields import Positive, Section, Triple

LEAST_SIDE = 32  # pixels; below it the coarsest features have less than a cell
LEAKY_SLOPE = 0.1  # of every activation in YOLOv3's .cfg files
INITIALIZERS = ("he", "kaiming", "xavier", "normal", "orthogonal")
# options of the model section that say nothing of the graph, or that `spec_config` knows itself
NOT_OF_THE_GRAPH = ("name", "mean", "std", "objectness_prior", "initializer")
_PREDICTING = (".predict.", ".predict_box.", ".predict_class.")


class ModelOptions(Section):
    """The recipe's model section: what every family has. A family's own options stand in a subclass beside its Spec."""

    name: str = "yolov3-tiny"
    mean: Triple = Field((0.0, 0.0, 0.0), description="taken from R, G, B in 0..255")
    std: tuple[Positive, Positive, Positive] = Field((255.0, 255.0, 255.0), description="R, G, B are divided by it")
    norm: Literal["batch", "group"] | None = Field(
        None, description="group normalisation needs no large batch; none = the model's own"
    )
    objectness_prior: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.01, description="objectness, or RetinaNet's class, that an untrained head predicts (Lin et al. 2017, 4.1)"
    )
    initializer: Literal[INITIALIZERS] | None = Field(
        None, description="of kernels from scratch; none = the model's own, which is he but for RetinaNet's towers"
    )


class BackboneOptions(ModelOptions):
    """Options of families that stand on any backbone."""

    backbone: str | None = Field(None, description="of SSD, RetinaNet and segmentation models; none = the name's own")
    stride_on_1x1: bool | None = Field(None, description="ResNet of Caffe's and Keras's weights; none = on the 3x3")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """All that is needed to build a network, to make its targets and to read its outputs. Each family has its own.

    Args:
        mean, std: of an image's R, G, B in 0..255; the network computes (image - mean) / std first
        norm: "batch" or "group"; None: convolutions have a bias instead

    Of the class:
        family: its key in `trizoo.families.FAMILIES`, and the `kind` of a recipe's loss section
        besides: outputs of an anchor that are no class
        background: "output" where the first output is no class, "class" where a class means it, else None
        drops_gaps: whether outputs that stand for no class, "N/A", can be left out: each class has a sigmoid of its own
        learns_outputs: whether a teacher's outputs can be learned, see `taught_by`
        fits_anchors: the key of the recipe's model section by which anchors are fitted to boxes; None: by none
    """

    family: ClassVar[str]
    besides: ClassVar[int] = 0
    background: ClassVar[str | None] = None
    drops_gaps: ClassVar[bool] = False
    learns_outputs: ClassVar[bool] = False
    learns_pairs: ClassVar[bool] = False
    fits_anchors: ClassVar[str | None] = None

    name: str
    num_classes: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)
    norm: str | None = "batch"

    def settings(self, known):
        """The options that `model_spec` makes an equal spec of: {option: value}.

        Args:
            known: the model's Architecture
        """
        own = [option for option in known.options.model_fields if option not in NOT_OF_THE_GRAPH]
        return {option: getattr(self, option) for option in own}

    def names(self, shapes):
        """{name: shape} of this network's parameters, out of those of its model without options, of as many classes."""
        return shapes

    @property
    def output_names(self):
        """The names of the network's outputs, in their order: a tuple."""
        raise NotImplementedError

    def targets(self, samples, size, loss):
        """{name: array} of a batch's samples at an input size (width, height).

        Args:
            loss: the recipe's loss section
        """
        raise NotImplementedError

    def whole_targets(self, labels, loss):
        """{name: 0-d array} of a whole batch's targets that can't be summed from its shares', since they count pairs.

        Args:
            labels: the set of class ids of each image
            loss: the recipe's loss section
        """
        return {}

    def anchor_overlaps(self, boxes, size):
        """IoU of each box with the anchor that fits it best: float32 (N, 4) -> (N,); None where there are no anchors.

        Args:
            boxes: in pixels of the input
            size: (width, height) of the input
        """
        return None

    def decode(self, outputs, placements, size, **options):
        """A list of `Detections`: outputs of a batch at an input size (width, height), per image its Placement.

        Args:
            options: score, threshold, max_detections, method; see `trizoo.families.yolo.decode.decode_yolo`
        """
        raise NotImplementedError

    def ranking(self, size):
        """The `trizoo.families.base.shortlist.Ranking` of rows at an input size; None: decoding needs them all."""
        return None

    def promises(self, ops, outputs):
        """The outputs on their device, in rows (B, N, ...), and how high each row's best score is: float32 (B, N).

        Args:
            ops: what a framework computes with, the `Ops` of its `shortlist.py`
        """
        raise NotImplementedError

    def decode_rows(self, outputs, grid, placements, **options):
        """As `decode`, of some rows alone, in their order.

        Args:
            outputs: (B, n, ...) each, as `promises` gives them
            grid: the family's, of these rows
        """
        raise NotImplementedError

    def heat(self, outputs, size):
        """How sure a network is in each cell: a batch's outputs -> a list of `trizoo.families.base.heat.CellScores`.

        Args:
            size: (width, height) of the input
        """
        raise NotImplementedError

    def candidates(self, ops, outputs, size, least):
        """What `decode` gives NMS, in an exported graph: boxes (B, K, 4) on the input, scores (B, K), labels (B, K).

        Args:
            ops: adds nodes, see `trizoo.families.base.graph`
            outputs: names of the network's outputs, float32
            size: width and height of the input, int64 (1,) each
            least: score of a candidate; others have the score -1
        """
        raise NotImplementedError

    def first_bias(self, name, shape, prior):
        """The first value of a predicting convolution's bias, float32.

        Args:
            prior: how likely anything is at first
        """
        raise NotImplementedError

    def least_values(self, size):
        """Cells of the smallest features that a batch norm sees of one image; None where there is no batch norm."""
        raise NotImplementedError

    def begins_small(self, name):
        """Whether a kernel's first values are small (standard deviation 0.01), so that its bias rules at first."""
        return predicts(name)

    def slope(self, name):
        """Slope below 0 of the activation behind a kernel, for its first values; 1 where none follows."""
        return LEAKY_SLOPE

    def misfit(self, other):
        """Why weights of another spec of this model mean other boxes, as the end of a sentence; None: they don't."""
        return None

    def taught_by(self, teacher, size):
        """What of a teacher's outputs this model learns: the spec of these, and their numbers among its outputs.

        Args:
            teacher: the ModelSpec of a trained model with the same classes
            size: (width, height) of the input

        Raises:
            UserError: for a teacher whose outputs mean others
        """
        if not self.learns_outputs or teacher.family != self.family:
            features = "--set distill.outputs=0 --set distill.features=1"
            ways = f"another teacher, or {features}," if self.learns_outputs else features
            raise UserError(f"{self.name} can't learn the outputs of the teacher {teacher.name}; {ways} would do")
        return teacher, list(range(len(self.output_names)))

    def check_loss(self, loss):
        """UserError where a recipe's loss section doesn't fit the classes: those with weights have one for each."""
        weights = getattr(loss, "class_weights", None)
        if weights is not None and len(weights) != self.num_classes:
            raise UserError(
                f"loss.class_weights holds {len(weights)} {'number' if len(weights) == 1 else 'numbers'}; one for each "
                f"of the {self.num_classes} classes is needed"
            )

    def parity_loss(self, loss):
        """The loss section that frameworks are compared with.

        Args:
            loss: the family's section as a class
        """
        return loss()


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a model's name stands for, whatever its classes.

    Args:
        size_multiple: what the sides of inputs of changing size are rounded to
        prefix: of the parameter names that a pretrained backbone fills and that `freeze` holds still
        backbone: a key of `BACKBONES`, None where the model has one of its own
        others: further graphs that parity holds, {name: options of `spec`}

    Of the class:
        task: what the model is for, a key of `trizoo.tasks.FLAGS`
        takes_any_size: odd sides, too
        lends_backbone: whether other models may begin with the backbone of a trained one
        options: of a recipe's model section, those that are for `spec`
    """

    task: ClassVar[str] = "detection"
    takes_any_size: ClassVar[bool] = False
    lends_backbone: ClassVar[bool] = False
    options: ClassVar[type[ModelOptions]] = ModelOptions

    size_multiple: int = 32
    prefix: str = "backbone."
    backbone: str | None = None
    others: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def only_size(self):
        """The (width, height) of input that the model is for, or None where there are many."""
        return None

    @property
    def variants(self):
        """Other graphs of the model, which parity holds beside the usual one: {name: options of `spec`}."""
        return self.others

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


@dataclass(frozen=True)
class Family:
    """A family of models, a line of `trizoo.families.FAMILIES`.

    Args:
        models: {name: Architecture}
        loss: the loss section of its recipes, a pydantic class whose `kind` is the family's name
    """

    models: dict[str, Architecture]
    loss: type[Section]

    @property
    def options(self):
        """The section of the model options that its models have."""
        return next(iter(self.models.values())).options


def check_multiples(name, size, multiple):
    """UserError unless both sides of a size (width, height) are multiples; it names the nearest that are.

    Args:
        name: of the model
    """
    if all(side > 0 and side % multiple == 0 for side in size):
        return
    lower, upper = (
        "x".join(str(max(multiple, rounded(side / multiple) * multiple)) for side in size)
        for rounded in (math.floor, math.ceil)
    )
    nearest = lower if lower == upper else f"{lower} or {upper}"
    raise UserError(
        f"input size {size[0]}x{size[1]} doesn't fit {name}, whose sides are multiples of {multiple}; "
        f"the nearest that fit: {nearest}"
    )


def predicts(name):
    """Whether a parameter's name is that of a predicting convolution."""
    return any(part in name for part in _PREDICTING)


def preset(presets, name, wanted, model):
    """One of a family's anchor presets, by default `name`; UserError with the names for another.

    Args:
        presets: {name: anchors}
        wanted: a name, None for `name`
        model: its name, for errors
    """
    wanted = name if wanted is None else wanted
    if wanted not in presets:
        raise UserError(f"model.anchor_preset is {wanted!r}; {model} has {', '.join(presets)}")
    return wanted
