"""The classifiers: a backbone, the mean of its last features, and a linear layer."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.backbones import BACKBONES, check_backbone
from trizoo.families.base.spec import Architecture, BackboneOptions, Family, ModelSpec
from trizoo.families.base.terms import log_softmax
from trizoo.families.classification.targets import assign
from trizoo.ground.errors import UserError
from trizoo.ground.fields import ClassWeights, Section

# backbone -> channels of the 1x1 block between its last features and their mean (Sandler et al. 2018, table 2)
LAST_CHANNELS = {"mobilenetv2": 1280}


class ClassificationLoss(Section):
    """That of classification; see `trizoo.families.classification.reference.classification_loss`."""

    kind: Literal["classification"] = "classification"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the truth that is given to all classes alike"
    )
    class_weights: ClassWeights = Field(
        None, description="of each image by its class, in the order of their ids; none = all 1"
    )


class ClassificationOptions(BackboneOptions):
    """Those of classifiers."""

    dropout: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="share of the features before a classifier's last layer that training sets to 0; none = 0"
    )


@dataclass(frozen=True, kw_only=True)
class ClassificationSpec(ModelSpec):
    """A classifier's ModelSpec.

    Args:
        backbone: a key of `trizoo.families.base.backbones.BACKBONES`
        norm: of the backbone
        stride_on_1x1: where a ResNet's bottleneck halves its input, instead of on the 3x3
        dropout: share of the last layer's inputs that training sets to 0

    Of the class:
        exclusive: whether an image is of one class, so that probabilities are a softmax, not a sigmoid of each class
    """

    family: ClassVar[str] = "classification"
    learns_outputs: ClassVar[bool] = True
    exclusive: ClassVar[bool] = True

    backbone: str
    stride_on_1x1: bool = False
    dropout: float = 0.0

    @property
    def last_channels(self):
        """Channels of the 1x1 block behind the backbone, None where there is none."""
        return LAST_CHANNELS.get(self.backbone)

    @property
    def output_names(self):
        """What each class is worth."""
        return ("logits",)

    def targets(self, samples, size, loss):
        """See `trizoo.families.classification.targets.assign`."""
        return assign([sample.shares for sample in samples], self.num_classes, loss.class_weights)

    def probabilities(self, logits):
        """How likely each class is: logits (B, C) -> (B, C), the softmax."""
        return np.exp(log_softmax(logits))

    def heat(self, outputs, size):
        """Raises UserError: the classes are of the whole image."""
        raise UserError(f"{self.name} gives classes of whole images, so it has no heat map; a detector has one")

    def first_bias(self, name, shape, prior):
        """0: no class is likelier than another."""
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        """Cells of the coarsest features."""
        stride = max(BACKBONES[self.backbone].channels)
        return math.ceil(size[0] / stride) * math.ceil(size[1] / stride) if self.norm == "batch" else None


@dataclass(frozen=True, kw_only=True)
class ClassificationArchitecture(Architecture):
    """What a classifier's name stands for."""

    task: ClassVar[str] = "classification"
    takes_any_size: ClassVar[bool] = True
    lends_backbone: ClassVar[bool] = True
    options: ClassVar[type[BackboneOptions]] = ClassificationOptions
    spec_class: ClassVar[type[ClassificationSpec]] = ClassificationSpec

    def spec(self, name, num_classes, *, backbone=None, norm=None, stride_on_1x1=None, dropout=None, **others):
        """The `spec_class`, on the model's usual backbone or another.

        Args:
            backbone, norm, stride_on_1x1, dropout: see `ClassificationSpec`; None = the model's own
            others: mean and std, and what a family based on this one has besides

        Raises:
            UserError: for a backbone that the zoo doesn't have
        """
        backbone = backbone or self.backbone
        check_backbone(name, backbone, (), stride_on_1x1=stride_on_1x1)
        return self.spec_class(
            name=name,
            num_classes=num_classes,
            backbone=backbone,
            norm=norm or BACKBONES[backbone].norm,
            stride_on_1x1=bool(stride_on_1x1),
            dropout=dropout or 0.0,
            **others,
        )


CLASSIFICATION_ARCHITECTURES = {
    f"classify-{backbone}": ClassificationArchitecture(backbone=backbone) for backbone in BACKBONES
}

CLASSIFICATION = Family(CLASSIFICATION_ARCHITECTURES, ClassificationLoss)
