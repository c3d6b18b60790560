"""What a student lacks of its teacher; the reference, with its definition in words, is in `trizoo.families.base`."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.terms import overlap, smooth_l1
from torch_zoo.losses.yolo import decode_boxes
from trizoo.families.base.distillation import COUNT, FEATURE, LEAST_SQUARE, OUTPUT
from trizoo.recipes.schema import Distillation


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
        own, teacher, options = self.loss, self.teacher, self.loss.options
        raw, wanted = (torch.cat([head.flatten(1, 3) for head in side], dim=1).float() for side in (heads, taught))
        *grid, balance = own.grid(size, raw.device)
        *theirs, _ = teacher.grid(size, raw.device)
        sure = wanted[..., 4].sigmoid()
        objectness = (sigmoid_divergence(raw[..., 4], wanted[..., 4]) * balance).sum()
        classes = (sigmoid_divergence(raw[..., 5:], wanted[..., 5:]).sum(dim=-1) * sure).sum()
        boxes = decode_boxes(raw, *grid, own.spec.coding), decode_boxes(wanted, *theirs, teacher.spec.coding)
        box = ((1 - overlap(*boxes, "giou")) * sure).sum()
        terms = options.objectness_gain * objectness + options.class_gain * classes + options.box_gain * box
        return terms / targets["num_positives"]

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


def softmax_divergence(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """See `trizoo.families.base.distillation.softmax_divergence`: (..., C), (..., C) -> (...)."""
    truth, logs = F.log_softmax(taught / temperature, dim=-1), F.log_softmax(logits / temperature, dim=-1)
    return temperature**2 * (truth.exp() * (truth - logs)).sum(dim=-1)


def sigmoid_divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """See `trizoo.families.base.distillation.sigmoid_divergence`: (...), (...) -> (...)."""
    truth = taught.sigmoid()
    entropies = [F.binary_cross_entropy_with_logits(of, truth, reduction="none") for of in (logits, taught)]
    return entropies[0] - entropies[1]


def feature_error(adapted: Tensor, features: Tensor) -> Tensor:
    """The sum over images of `trizoo.families.base.distillation.feature_error`: (B, ...), (B, ...) -> ()."""
    errors = ((adapted.float() - features) ** 2).mean(dim=(1, 2, 3))
    return (errors / (features**2).mean(dim=(1, 2, 3)).clamp(min=LEAST_SQUARE)).sum()
