"""The embedding models: a backbone, the mean of its last features, and a linear layer to a vector of length 1."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trizoo.families.base.spec import BackboneOptions, Family
from trizoo.families.classification.spec import ClassificationArchitecture, ClassificationSpec
from trizoo.families.embedding.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import NotNegative, Positive, Section

DIMENSIONS = 128
MOST_DIMENSIONS = 8192  # the channels of the widest backbone, four times over
LEAST_SQUARE = 1e-6  # of a distance or a sine in a loss: a root has no slope at 0
# loss -> the margin and the scale that it usually has; a triplet has no scale
USUAL = {"arcface": (0.5, 30.0), "triplet": (0.3, 1.0), "circle": (0.25, 64.0)}


class EmbeddingOptions(BackboneOptions):
    """Options of embedding models."""

    embedding: Annotated[int, Field(ge=1, le=MOST_DIMENSIONS)] | None = Field(
        None, description=f"numbers of the vector of an image; none = {DIMENSIONS}"
    )


class EmbeddingLoss(Section):
    """Those of embeddings; see `trizoo.families.embedding.reference.embedding_loss`."""

    kind: Literal["embedding"] = "embedding"
    name: Literal[tuple(USUAL)] = Field(
        "arcface", description="arcface goes by centres of classes, triplet and circle by pairs of images of a batch"
    )
    margin: NotNegative | None = Field(
        None, description="none = the loss's usual one: " + ", ".join(f"{name} {USUAL[name][0]}" for name in USUAL)
    )
    scale: Positive | None = Field(
        None, description=f"of cosines; none = arcface {USUAL['arcface'][1]:g}, circle {USUAL['circle'][1]:g}"
    )

    @property
    def by_pairs(self):
        """Whether images of a batch are compared with one another, so that it needs several of a class."""
        return self.name != "arcface"

    @property
    def margin_and_scale(self):
        """Two floats: those given, or the loss's usual ones."""
        given = (self.margin, self.scale)
        return tuple(usual if own is None else own for own, usual in zip(given, USUAL[self.name], strict=True))


@dataclass(frozen=True, kw_only=True)
class EmbeddingSpec(ClassificationSpec):
    """An embedding model's ModelSpec.

    Args:
        embedding: numbers of an image's vector
    """

    family: ClassVar[str] = "embedding"
    learns_outputs: ClassVar[bool] = False
    learns_pairs: ClassVar[bool] = True

    embedding: int = DIMENSIONS

    @property
    def output_names(self):
        """An image's vector, and its cosines with the classes' centres."""
        return ("vectors", "cosines")

    def targets(self, samples, size, loss):
        """See `trizoo.families.embedding.targets.assign`."""
        return assign([sample.label for sample in samples], self.num_classes, loss.by_pairs)

    def whole_targets(self, labels, loss):
        """See `ModelSpec.whole_targets`: how many images count."""
        targets = assign([label for (label,) in labels], self.num_classes, loss.name != "arcface")
        return {"normaliser": targets["normaliser"]}

    def heat(self, outputs, size):
        """Raises UserError: a vector is of the whole image."""
        raise UserError(f"{self.name} gives a vector of the whole image, so it has no heat map; a detector has one")

    def begins_small(self, name):
        """No kernel: a centre's length doesn't matter."""
        return False


@dataclass(frozen=True, kw_only=True)
class EmbeddingArchitecture(ClassificationArchitecture):
    """What an embedding model's name stands for."""

    task: ClassVar[str] = "embedding"
    options: ClassVar[type[BackboneOptions]] = EmbeddingOptions
    spec_class: ClassVar[type[ClassificationSpec]] = EmbeddingSpec


# any other by model.backbone
NAMED = ("resnet18", "resnet50", "mobilenetv2")

EMBEDDING = Family({f"embed-{backbone}": EmbeddingArchitecture(backbone=backbone) for backbone in NAMED}, EmbeddingLoss)
