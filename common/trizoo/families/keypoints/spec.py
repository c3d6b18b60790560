"""The key point models: a plain network whose one map says of each cell whether a mark is there, and where."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from trizoo.families.base.heat import CellScores
from trizoo.families.base.spec import Architecture, Family, ModelSpec, check_multiples
from trizoo.families.base.terms import log_softmax
from trizoo.families.keypoints.decode import decode_keypoints
from trizoo.families.keypoints.graph import keypoint_candidates
from trizoo.families.keypoints.targets import assign, cells_of
from trizoo.ground.fields import ClassWeights, NotNegative, Section


class KeypointLoss(Section):
    """Key points'; see `trizoo.families.keypoints.reference.keypoint_loss`."""

    kind: Literal["keypoints"] = "keypoints"
    negatives: NotNegative | None = Field(
        None, description="of each image so many times as many cells without a mark count as with one; none = all"
    )
    offset_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
    class_weights: ClassWeights = Field(
        None, description="of the class term by the mark's class, in the order of their ids; none = all 1"
    )


@dataclass(frozen=True, kw_only=True)
class KeypointSpec(ModelSpec):
    """A key point model's ModelSpec.

    Args:
        stride: input pixels per cell of the map
        norm: see `ModelSpec`
    """

    family: ClassVar[str] = "keypoints"
    besides: ClassVar[int] = 3  # x, y and the background
    background: ClassVar[str | None] = "output"

    stride: int

    @property
    def output_names(self):
        """Of each cell x and y of its mark, and logits of the background and the classes."""
        return ("map",)

    def targets(self, samples, size, loss):
        """See `trizoo.families.keypoints.targets.assign`."""
        boxes, labels = [sample.boxes for sample in samples], [sample.labels for sample in samples]
        return assign(boxes, labels, self.num_classes, size, self.stride)

    def decode(self, outputs, placements, size, **options):
        """See `trizoo.families.keypoints.decode.decode_keypoints`."""
        return decode_keypoints(outputs, self.stride, placements, **options)

    def heat(self, outputs, size):
        """The likeliest class's share of the softmax in each cell."""
        scores = np.exp(log_softmax(outputs[0][..., 2:]))[..., 1:].max(axis=-1)
        return [CellScores(scores, (self.stride / 2,) * 2, (self.stride,) * 2)]

    def candidates(self, ops, outputs, size, least):
        """See `trizoo.families.keypoints.graph.keypoint_candidates`."""
        return keypoint_candidates(ops, outputs, self.stride, self.num_classes, least)

    def first_bias(self, name, shape, prior):
        """Offsets of 0, and logits with which the softmax gives each class the prior."""
        logit = np.log(prior / max(1 - prior * self.num_classes, prior))
        return np.array([0.0, 0.0, 0.0, *[logit] * self.num_classes], np.float32)

    def slope(self, name):
        """ReLU."""
        return 0.0

    def least_values(self, size):
        """The cells of the map."""
        return None if self.norm == "group" else int(np.prod(cells_of(size, self.stride)))


@dataclass(frozen=True, kw_only=True)
class KeypointArchitecture(Architecture):
    """What a key point model's name stands for; sides are multiples of its stride."""

    task: ClassVar[str] = "keypoints"

    def spec(self, name, num_classes, *, norm=None, **normalisation):
        """The KeypointSpec.

        Args:
            norm: "batch" or "group"; None: "batch"
            normalisation: mean and std
        """
        return KeypointSpec(
            name=name, num_classes=num_classes, stride=self.size_multiple, norm=norm or "batch", **normalisation
        )

    def check_input_size(self, name, size):
        """Any multiple of the stride."""
        check_multiples(name, size, self.size_multiple)


KEYPOINT_ARCHITECTURES = {
    "keypoints-stride32": KeypointArchitecture(size_multiple=32),
    "keypoints-stride16": KeypointArchitecture(size_multiple=16),
}

KEYPOINTS = Family(KEYPOINT_ARCHITECTURES, KeypointLoss)
