"""What a student lacks of its teacher; the reference, with its definition in words, is in `trizoo.families.base`."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from torch_zoo.losses.terms import sigmoid_divergence, smooth_l1, softmax_divergence
from trizoo.families.base.distillation import COUNT, FEATURE, LEAST_SQUARE, OUTPUT
from trizoo.recipes.sections import Distillation


class DistillationLoss:
    """Outputs, adapted features and targets -> {"loss", the own terms, "teacher", "features"}: scalars.

    Args:
        loss: the student's own
        teacher: the loss of what is learned of the teacher's outputs, None where that is nothing
        options: the recipe's distill section
    """

    def __init__(self, loss: Any, teacher: Any, options: Distillation) -> None:
        self.loss = loss
        self.teacher = teacher
        self.options = options

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: the student's outputs, and behind them its adapted features
            targets: the own loss's, and those named in `trizoo.families.base.distillation`
            size: input (width, height)
        """
        options, count = self.options, len(self.loss.spec.output_names)
        own = self.loss(heads[:count], targets, size)
        terms = {name: options.labels * value for name, value in own.items() if name != "loss"}
        if self.teacher is not None:
            taught = [targets[OUTPUT.format(number)] for number in range(count)]
            divergence = DIVERGENCES[self.loss.spec.family](self, heads[:count], taught, targets, size)
            terms["teacher"] = options.outputs * divergence
        if len(heads) > count:
            errors = [feature_error(head, targets[FEATURE.format(n)]) for n, head in enumerate(heads[count:])]
            terms["features"] = options.features * sum(errors) / (len(errors) * targets[COUNT])
        return {"loss": sum(terms.values()), **terms}

    def of_images(
        self, heads: Sequence[Tensor], taught: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> Tensor:
        """Of logits (B, C) or (B, H, W, C): the mean over pixels, or over classes that don't exclude one another."""
        logits = heads[0].float()
        if self.loss.spec.family == "multilabel":
            divergence = sigmoid_divergence(logits, taught[0])
        else:
            divergence = softmax_divergence(logits, taught[0], self.options.temperature)
        return divergence.reshape(len(divergence), -1).mean(dim=1).sum() / targets[COUNT]

    def of_cells(
        self, heads: Sequence[Tensor], taught: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> Tensor:
        """Of a YOLO's outputs; see `trizoo.families.yolo.reference.yolo_divergence`."""
        return self.loss.divergence(heads, taught, self.teacher, size) / targets["num_positives"]

    def of_anchors(
        self, heads: Sequence[Tensor], taught: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> Tensor:
        """Of an SSD's or a RetinaNet's; see `trizoo.families.anchored.reference.anchor_divergence`."""
        options, (deltas, logits), (wanted, truth) = self.loss.options, (head.float() for head in heads), taught
        if self.loss.spec.background == "output":
            sure = 1 - truth.softmax(dim=-1)[..., 0]
            classes = softmax_divergence(logits, truth, self.options.temperature)
        else:
            sure = truth.sigmoid().amax(dim=-1)
            classes = sigmoid_divergence(logits, truth).sum(dim=-1)
        box = smooth_l1(deltas - wanted, options.box_beta).sum(dim=-1)
        return (sure * (options.class_gain * classes + options.box_gain * box)).sum() / targets["num_positives"]


DIVERGENCES = {
    "classification": DistillationLoss.of_images,
    "multilabel": DistillationLoss.of_images,
    "segmentation": DistillationLoss.of_images,
    "yolo": DistillationLoss.of_cells,
    "ssd": DistillationLoss.of_anchors,
    "retinanet": DistillationLoss.of_anchors,
}


def feature_error(adapted: Tensor, features: Tensor) -> Tensor:
    """The sum over images of `trizoo.families.base.distillation.feature_error`: (B, ...), (B, ...) -> ()."""
    errors = ((adapted.float() - features) ** 2).mean(dim=(1, 2, 3))
    return (errors / (features**2).mean(dim=(1, 2, 3)).clamp(min=LEAST_SQUARE)).sum()
