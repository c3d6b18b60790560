"""The YOLO loss; the reference, with its definition in words, is `common.losses.yolo_loss`."""

import math

import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from common.boxes import LEAST_SIDE, SHAPE_POWER
from common.grid import yolo_grid
from common.losses import MAX_LOG_SIZE


class YOLOLoss:
    """Raw heads and targets -> {"loss", "box", "objectness", "class"}: scalars, each term with its gain applied.

    targets: tensors of `common.targets.yolo.assign` on the heads' device; size: input (width, height).
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options
        self.constants = {}

    def __call__(self, heads, targets, size):
        options = self.options
        raw = torch.cat([head.flatten(1, 3) for head in heads], dim=1).float()  # (B, h, w, A, 5 + C) -> (B, N, 5 + C)
        *grid, balance = self._grid(size, raw.device)
        boxes, normaliser = targets["boxes"], targets["num_positives"]
        # The padding keeps its slots, which count nothing: picking out the positives would mean waiting for the device
        # to say how many there are.
        taken = (targets["positives"] >= 0).float()  # (B, P)
        index, owners = targets["positives"].clamp(min=0).long(), targets["owners"].long()

        with torch.no_grad():
            positive = torch.zeros(raw.shape[:2], device=raw.device).scatter_add_(1, index, taken)
            decoded = decode_boxes(raw, *grid)
            overlaps = overlap(decoded[:, :, None], boxes[:, None]).amax(dim=2)
            counted = torch.maximum(positive, (overlaps <= options.ignore_iou).float())
        objectness = F.binary_cross_entropy_with_logits(raw[..., 4], positive, reduction="none")
        objectness = objectness * focal_weight(raw[..., 4], positive, options.focal_gamma, options.focal_alpha)
        objectness = (objectness * balance * counted).sum()

        chosen = raw.gather(1, index[..., None].expand(-1, -1, raw.shape[2]))  # (B, P, 5 + C)
        labels = targets["labels"].gather(1, owners)
        classes = (labels[..., None] == torch.arange(self.spec.num_classes, device=raw.device)).float()
        classes = classes * (1 - options.label_smoothing) + options.label_smoothing / 2
        classification = F.binary_cross_entropy_with_logits(chosen[..., 5:], classes, reduction="none")
        classification = (classification * taken[..., None]).sum()

        place = [constants[index] for constants in grid]
        boxes = boxes.gather(1, owners[..., None].expand(-1, -1, 4))  # (B, P, 4)
        boxes = torch.where(taken[..., None] > 0, boxes, boxes.new_tensor([0.0, 0.0, 1.0, 1.0]))  # log of 0 otherwise
        if options.box == "mse":
            box = squared_errors(chosen, boxes, *place, size)
        else:
            box = 1 - overlap(decode_boxes(chosen, *place), boxes, options.box)
        box = (box * taken).sum()

        terms = {
            "box": box * options.box_gain / normaliser,
            "objectness": objectness * options.objectness_gain / normaliser,
            "class": classification * options.class_gain / normaliser,
        }
        return {"loss": sum(terms.values()), **terms}

    def _grid(self, size, device):
        """The grid's constants as tensors, made once per input size and device."""
        key = (size, device)
        if key not in self.constants:
            grid = yolo_grid(self.spec, size)
            balance = torch.tensor(self.options.balance)[torch.tensor(grid.heads)]
            arrays = [torch.tensor(array) for array in (grid.cells, grid.strides, grid.anchors, grid.scales)]
            self.constants[key] = tuple(array.to(device) for array in (*arrays, balance))
        return self.constants[key]


def decode_boxes(raw, cells, strides, anchors, scales):
    """Boxes that raw values stand for: (..., >= 4), (..., 2), (...), (..., 2), (...) -> (..., 4) corners."""
    centre = (place_in_cell(raw[..., :2], scales) + cells) * strides[..., None]
    half = raw[..., 2:4].clamp(max=MAX_LOG_SIZE).exp() * anchors / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def place_in_cell(raw, scales):
    """Where raw x and y put a centre, in cells: (..., 2), (...) -> (..., 2); see `common.losses.place_in_cell`."""
    return raw.sigmoid() * scales[..., None] - (scales[..., None] - 1) / 2


def focal_weight(logits, positives, gamma, alpha):
    """What focal loss multiplies cross-entropy by: (...), (...) -> (...), or 1.0; see `common.losses.focal_weight`."""
    weight = 1.0 if alpha is None else alpha * positives + (1 - alpha) * (1 - positives)
    if gamma == 0:
        return weight
    return weight * (-gamma * F.softplus((2 * positives - 1) * logits)).exp()


def overlap(a, b, kind="iou"):
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...); see `common.boxes.overlap`."""
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    wh_a, wh_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
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


def shape_and_distance_cost(wh_a, wh_b, offset, hull):
    """SIoU's two costs: four of (..., 2) -> (...); see `common.boxes.shape_and_distance_cost`."""
    angle = 2 * (offset[..., 0] * offset[..., 1]).abs() / (offset**2).sum(-1).clamp(min=LEAST_SIDE**2)
    distance = 1 - ((angle - 2)[..., None] * (offset / hull.clamp(min=LEAST_SIDE)) ** 2).exp()
    wh_a, wh_b = wh_a.clamp(min=LEAST_SIDE), wh_b.clamp(min=LEAST_SIDE)
    shape = (1 - (-(wh_a - wh_b).abs() / torch.maximum(wh_a, wh_b)).exp()) ** SHAPE_POWER
    return (distance + shape).sum(-1) / 2


def squared_errors(raw, boxes, cells, strides, anchors, scales, size):
    """The "mse" box term, element by element: (..., >= 4), (..., 4), (..., 2), (...), (..., 2), (...) -> (...)."""
    wh = boxes[..., 2:] - boxes[..., :2]
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2 / strides[..., None] - cells
    weight = 2 - wh[..., 0] * wh[..., 1] / (size[0] * size[1])
    errors = torch.cat([place_in_cell(raw[..., :2], scales) - centre, raw[..., 2:4] - (wh / anchors).log()], dim=-1)
    return weight * (errors**2).sum(dim=-1) / 2
