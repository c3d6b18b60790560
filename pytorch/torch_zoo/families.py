"""The families of models that this package has, a line each: the network and the loss of a spec."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch_zoo.losses import RetinaNetLoss, SegmentationLoss, SSDLoss, YOLOLoss
from torch_zoo.losses.classification import ClassificationLoss
from torch_zoo.losses.embedding import EmbeddingLoss
from torch_zoo.losses.keypoints import KeypointLoss
from torch_zoo.losses.multilabel import MultilabelLoss
from torch_zoo.models import SEGMENTATION, SSD, YOLO
from torch_zoo.models.classification import Classifier
from torch_zoo.models.embedding import EmbeddingNet
from torch_zoo.models.keypoints import KeypointNet
from torch_zoo.models.retinanet import RetinaNet
from torch_zoo.network import Network
from trizoo.families import ModelSpec


class Family(NamedTuple):
    """The network and the loss of a family's specs.

    Args:
        network: spec -> network
        loss: (spec, the recipe's loss section) -> (outputs, targets, size) -> terms
    """

    network: Callable[..., Any]
    loss: Callable[..., Any]


FAMILIES = {
    "yolo": Family(lambda spec: YOLO[spec.name](spec), YOLOLoss),
    "ssd": Family(lambda spec: SSD[spec.name](spec), SSDLoss),
    "retinanet": Family(RetinaNet, RetinaNetLoss),
    "segmentation": Family(lambda spec: SEGMENTATION[spec.kind](spec), SegmentationLoss),
    "keypoints": Family(KeypointNet, KeypointLoss),
    "classification": Family(Classifier, ClassificationLoss),
    "embedding": Family(EmbeddingNet, EmbeddingLoss),
    "multilabel": Family(Classifier, MultilabelLoss),
}


def make_network(spec: ModelSpec) -> Network:
    """The network of a spec."""
    return FAMILIES[spec.family].network(spec)
