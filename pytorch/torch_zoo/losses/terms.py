"""What the losses are made of, element by element; the references: `trizoo.families.base`, `trizoo.ground`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from trizoo.ground.boxes import LEAST_SIDE, SHAPE_POWER

LEAST = 1e-30  # of a probability that is raised to a power: at 0 a root has no slope


def focal_weight(logits: Tensor, wanted: Tensor, gamma: float, alpha: float | None) -> Tensor | float:
    """What focal loss multiplies cross-entropy by: (...), (...) -> (...), or 1.0; see `trizoo.families.base.terms`.

    Args:
        wanted: 0 to 1
        gamma: the exponent, 0 for none
        alpha: the weight of what is 1, 1 - alpha is that of what is 0; None for none
    """
    weight = 1.0 if alpha is None else alpha * wanted + (1 - alpha) * (1 - wanted)
    if gamma == 0:
        return weight
    return weight * (wanted - logits.sigmoid()).abs().clamp(min=LEAST) ** gamma


def focal_entropy(entropy: Tensor, gamma: float) -> Tensor:
    """Softmax cross-entropy times (1 - the right class's probability)^gamma: (...) -> (...)."""
    if gamma == 0:
        return entropy
    return entropy * (-torch.expm1(-entropy)).clamp(min=LEAST) ** gamma


def by_class(losses: Tensor, labels: Tensor, class_weights: Sequence[float] | None) -> Tensor:
    """Losses times the weight of their box's class: (...), (...) -> (...).

    Args:
        labels: class ids, -1 for no box, which counts once
        class_weights: a number a class, None = all 1
    """
    if class_weights is None:
        return losses
    weights = losses.new_tensor(class_weights)[labels.clamp(min=0).long()]
    return losses * torch.where(labels >= 0, weights, 1.0)


def focal_loss(logits: Tensor, labels: Tensor, wanted: Tensor | None, gamma: float, alpha: float | None) -> Tensor:
    """Cross-entropy times `focal_weight`, summed over classes: (B, N, C), (B, N) -> (B, N).

    Its gradient is written out, since what automatic differentiation would keep for it is several times the logits.

    Args:
        labels: class ids from 0, -1 for no class
        wanted: of the own class, (B, N), without one any; None = 1
        gamma, alpha: see `focal_weight`
    """
    return _FocalLoss.apply(logits, labels.long(), wanted, gamma, alpha)


class _FocalLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, labels, wanted, gamma, alpha):
        of_right, of_wrong = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
        sums, gradient = logits.new_empty(labels.shape), torch.empty_like(logits)
        # image by image, which halves the time on a CPU: memory is reused instead of asked of the system anew
        for number, image in enumerate(logits):
            positive, own = labels[number, :, None] >= 0, labels[number, :, None].clamp(min=0)
            wrong, slopes = _focal(image, gamma, of_wrong)
            if wanted is None:
                right, slopes_of_right = _focal(-image.gather(1, own), gamma, of_right)
                slopes_of_right = -slopes_of_right
            else:
                right, slopes_of_right = _focal_between(image.gather(1, own), wanted[number, :, None], gamma, alpha)
            wrong.scatter_(1, own, torch.where(positive, right, wrong.gather(1, own)))
            slopes.scatter_(1, own, torch.where(positive, slopes_of_right, slopes.gather(1, own)))
            sums[number], gradient[number] = wrong.sum(dim=1), slopes
        ctx.save_for_backward(gradient)
        return sums

    @staticmethod
    def backward(ctx, upstream):
        (gradient,) = ctx.saved_tensors
        return upstream[..., None] * gradient, None, None, None, None


def _focal(logits: Tensor, gamma: float, share: float) -> tuple[Tensor, Tensor]:
    """What logits of wrong answers cost, as those of right ones with the sign changed do, and the derivative."""
    entropy, probability = -F.logsigmoid(-logits), logits.sigmoid()
    weight = share * probability**gamma
    return weight * entropy, weight * (probability + gamma * (1 - probability) * entropy)


def _focal_between(logits: Tensor, wanted: Tensor, gamma: float, alpha: float | None) -> tuple[Tensor, Tensor]:
    """Cross-entropy times `focal_weight` where anything from 0 to 1 is wanted, and the derivative."""
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    error = logits.sigmoid() - wanted
    share, size = focal_weight(logits, wanted, 0, alpha), error.abs().clamp(min=LEAST)
    slope = gamma * size ** (gamma - 1) * error.sign() * logits.sigmoid() * (-logits).sigmoid()
    return share * size**gamma * entropy, share * (size**gamma * error + slope * entropy)


def softmax_divergence(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """See `trizoo.families.base.distillation.softmax_divergence`: (..., C), (..., C) -> (...)."""
    truth, logs = F.log_softmax(taught / temperature, dim=-1), F.log_softmax(logits / temperature, dim=-1)
    return temperature**2 * (truth.exp() * (truth - logs)).sum(dim=-1)


def sigmoid_divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """See `trizoo.families.base.distillation.sigmoid_divergence`: (...), (...) -> (...)."""
    truth = taught.sigmoid()
    entropies = [F.binary_cross_entropy_with_logits(of, truth, reduction="none") for of in (logits, taught)]
    return entropies[0] - entropies[1]


def overlap(a: Tensor, b: Tensor, kind: str = "iou") -> Tensor:
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...); see `trizoo.ground.boxes`.

    Args:
        kind: "iou", "giou", "diou", "ciou", "siou" or "eiou"
    """
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    wh_a, wh_b = (a[..., 2:] - a[..., :2]).clamp(min=0), (b[..., 2:] - b[..., :2]).clamp(min=0)
    intersection = sides[..., 0] * sides[..., 1]
    union = wh_a[..., 0] * wh_a[..., 1] + wh_b[..., 0] * wh_b[..., 1] - intersection
    tiny = torch.finfo(a.dtype).tiny
    iou = intersection / union.clamp(min=tiny)
    if kind == "iou":
        return iou
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull_area = hull[..., 0] * hull[..., 1]
        return iou - (hull_area - union) / hull_area.clamp(min=tiny)
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    if kind == "siou":
        return iou - shape_and_distance_cost(wh_a, wh_b, offset, hull)
    diou = iou - (offset**2).sum(-1) / (hull**2).sum(-1).clamp(min=tiny)
    if kind == "diou":
        return diou
    if kind == "eiou":
        return diou - (((wh_a - wh_b) / hull.clamp(min=LEAST_SIDE)) ** 2).sum(-1)
    wh_a, wh_b = wh_a.clamp(min=LEAST_SIDE), wh_b.clamp(min=LEAST_SIDE)
    angle = torch.atan2(wh_a[..., 0], wh_a[..., 1]) - torch.atan2(wh_b[..., 0], wh_b[..., 1])
    v = 4 / math.pi**2 * angle**2
    with torch.no_grad():
        trade_off = v / (1 - iou + v).clamp(min=tiny)
    return diou - trade_off * v


def shape_and_distance_cost(wh_a: Tensor, wh_b: Tensor, offset: Tensor, hull: Tensor) -> Tensor:
    """SIoU's two costs: four of (..., 2) -> (...); see `trizoo.ground.boxes.shape_and_distance_cost`.

    Args:
        wh_a, wh_b: the boxes' sides
        offset: from centre to centre
        hull: sides of the smallest box around both
    """
    angle = 2 * (offset[..., 0] * offset[..., 1]).abs() / (offset**2).sum(-1).clamp(min=LEAST_SIDE**2)
    distance = 1 - ((angle - 2)[..., None] * (offset / hull.clamp(min=LEAST_SIDE)) ** 2).exp()
    wh_a, wh_b = wh_a.clamp(min=LEAST_SIDE), wh_b.clamp(min=LEAST_SIDE)
    shape = (1 - (-(wh_a - wh_b).abs() / torch.maximum(wh_a, wh_b)).exp()) ** SHAPE_POWER
    return (distance + shape).sum(-1) / 2


def smooth_l1(errors: Tensor, beta: float) -> Tensor:
    """Smooth L1, element by element: (...) -> (...); see `trizoo.families.anchored.reference.smooth_l1`.

    Args:
        beta: up to which error it is quadratic
    """
    return F.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none", beta=beta)
