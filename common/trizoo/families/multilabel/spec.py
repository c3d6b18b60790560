"""The multi-label classifiers: those of one class an image, with a sigmoid for each class instead of a softmax."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trizoo.families.base.spec import Family
from trizoo.families.base.terms import sigmoid
from trizoo.families.classification.spec import ClassificationArchitecture, ClassificationSpec
from trizoo.families.multilabel.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import ClassWeights, Section


class MultilabelLoss(Section):
    """That of multi-label classification; see `trizoo.families.multilabel.reference.multilabel_loss`."""

    kind: Literal["multilabel"] = "multilabel"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="e: a class learns 1 - e/2 and e/2 instead of 1 and 0"
    )
    class_weights: ClassWeights = Field(None, description="of each class, in the order of their ids; none = all 1")


@dataclass(frozen=True, kw_only=True)
class MultilabelSpec(ClassificationSpec):
    """A multi-label classifier's ModelSpec."""

    family: ClassVar[str] = "multilabel"
    exclusive: ClassVar[bool] = False

    def targets(self, samples, size, loss):
        """See `trizoo.families.multilabel.targets.assign`."""
        return assign([sample.shares for sample in samples], self.num_classes)

    def probabilities(self, logits):
        """How likely each class is, whatever the others are: logits (B, C) -> (B, C), the sigmoid."""
        return sigmoid(logits)

    def heat(self, outputs, size):
        """Raises UserError: the labels are of the whole image."""
        raise UserError(f"{self.name} gives labels of whole images, so it has no heat map; a detector has one")


@dataclass(frozen=True, kw_only=True)
class MultilabelArchitecture(ClassificationArchitecture):
    """What a multi-label classifier's name stands for."""

    task: ClassVar[str] = "multilabel"
    spec_class: ClassVar[type[ClassificationSpec]] = MultilabelSpec


# any other by model.backbone
NAMED = ("resnet18", "resnet50", "mobilenetv2")

MULTILABEL = Family(
    {f"multilabel-{backbone}": MultilabelArchitecture(backbone=backbone) for backbone in NAMED}, MultilabelLoss
)
