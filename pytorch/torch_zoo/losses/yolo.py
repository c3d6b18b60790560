"""The YOLO loss; the reference, with its definition in words, is `trizoo.families.yolo.reference.yolo_loss`."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.terms import by_class, focal_weight, overlap, sigmoid_divergence
from trizoo.families.yolo.coding import MAX_LOG_SIZE
from trizoo.families.yolo.grid import yolo_grid
from trizoo.families.yolo.spec import YOLOLoss as YOLOSection
from trizoo.families.yolo.spec import YOLOSpec
from trizoo.families.yolo.targets import IOU_POWER, SCORE_POWER


class YOLOLoss:
    """Outputs and targets -> {"loss", "box", "objectness", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: YOLOSpec, options: YOLOSection) -> None:
        self.spec = spec
        self.options = options
        self.constants: dict[tuple[tuple[int, int], torch.device], tuple[Tensor, ...]] = {}

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: (B, h, w, A, 5 + C) each, in the model's order
            targets: tensors of `trizoo.families.yolo.targets.assign`, on the heads' device
            size: input (width, height)
        """
        options, coding = self.options, self.spec.coding
        raw = _rows(heads)
        *grid, balance = self._grid(size, raw.device)
        boxes, normaliser = targets["boxes"], targets["num_positives"]
        # The padding keeps its slots, which count nothing: picking out the positives would mean waiting for the device
        # to say how many there are.
        taken = (targets["positives"] >= 0).float()  # (B, P)
        index, owners = targets["positives"].clamp(min=0).long(), targets["owners"].long()

        chosen = raw.gather(1, index[..., None].expand(-1, -1, raw.shape[2]))  # (B, P, 5 + C)
        place = [constants[index] for constants in grid]
        labels = targets["labels"].gather(1, owners)
        wanted_boxes = boxes.gather(1, owners[..., None].expand(-1, -1, 4))  # (B, P, 4)
        wanted_boxes = torch.where(taken[..., None] > 0, wanted_boxes, boxes.new_tensor([0, 0, 1, 1]))  # or log of 0
        predicted = decode_boxes(chosen, *place, coding)

        with torch.no_grad():
            if options.aligned or options.objectness_iou:
                fits = overlap(predicted, wanted_boxes)
            if options.aligned:
                taken = taken * _best_aligned(chosen, labels, fits, owners, taken, options.aligned)
            wanted = positive = torch.zeros(raw.shape[:2], device=raw.device).scatter_add_(1, index, taken)
            counted = torch.ones_like(positive)
            if options.ignore_iou < 1:
                overlaps = overlap(decode_boxes(raw, *grid, coding)[:, :, None], boxes[:, None]).amax(dim=2)
                counted = torch.maximum(positive, (overlaps <= options.ignore_iou).float())
            if options.objectness_iou:
                wanted = positive.scatter_add(1, index, options.objectness_iou * (fits - 1) * taken)
        objectness = F.binary_cross_entropy_with_logits(raw[..., 4], wanted, reduction="none")
        objectness = objectness * focal_weight(raw[..., 4], wanted, options.focal_gamma, options.focal_alpha)
        objectness = (objectness * balance * counted).sum()

        classes = (labels[..., None] == torch.arange(self.spec.num_classes, device=raw.device)).float()
        focal = focal_weight(chosen[..., 5:], classes, options.class_focal_gamma, None)
        classes = classes * (1 - options.label_smoothing) + options.label_smoothing / 2
        classification = F.binary_cross_entropy_with_logits(chosen[..., 5:], classes, reduction="none") * focal
        classification = (by_class(classification.sum(dim=-1), labels, options.class_weights) * taken).sum()

        if options.box == "mse":
            box = squared_errors(chosen, wanted_boxes, *place, coding, size)
        else:
            box = 1 - overlap(predicted, wanted_boxes, options.box)
        box = (box * taken).sum()

        terms = {
            "box": box * options.box_gain / normaliser,
            "objectness": objectness * options.objectness_gain / normaliser,
            "class": classification * options.class_gain / normaliser,
        }
        return {"loss": sum(terms.values()), **terms}

    def divergence(
        self, heads: Sequence[Tensor], taught: Sequence[Tensor], teacher: "YOLOLoss", size: tuple[int, int]
    ) -> Tensor:
        """What outputs lack of a teacher's; see `trizoo.families.yolo.reference.yolo_divergence`.

        Args:
            heads: see `__call__`
            taught: the teacher's, at the same strides
            teacher: the loss of their spec
            size: input (width, height)
        """
        options = self.options
        raw, wanted = _rows(heads), _rows(taught)
        *grid, balance = self._grid(size, raw.device)
        *theirs, _ = teacher._grid(size, raw.device)
        sure = wanted[..., 4].sigmoid()
        objectness = (sigmoid_divergence(raw[..., 4], wanted[..., 4]) * balance).sum()
        classes = (sigmoid_divergence(raw[..., 5:], wanted[..., 5:]).sum(dim=-1) * sure).sum()
        boxes = decode_boxes(raw, *grid, self.spec.coding), decode_boxes(wanted, *theirs, teacher.spec.coding)
        box = ((1 - overlap(*boxes, "giou")) * sure).sum()
        return options.objectness_gain * objectness + options.class_gain * classes + options.box_gain * box

    def _grid(self, size: tuple[int, int], device: torch.device) -> tuple[Tensor, ...]:
        """The grid's constants as tensors, made once per input size and device."""
        key = (size, device)
        if key not in self.constants:
            grid = yolo_grid(self.spec, size)
            balance = torch.tensor(self.options.balance)[torch.tensor(grid.heads)]
            arrays = [torch.tensor(array) for array in (grid.cells, grid.strides, grid.anchors, grid.scales)]
            self.constants[key] = tuple(array.to(device) for array in (*arrays, balance))
        return self.constants[key]


def _rows(heads: Sequence[Tensor]) -> Tensor:
    """All predictions, float32: (B, h, w, A, 5 + C) each -> (B, N, 5 + C)."""
    return torch.cat([head.flatten(1, 3) for head in heads], dim=1).float()


def _best_aligned(chosen: Tensor, labels: Tensor, fits: Tensor, owners: Tensor, taken: Tensor, most: int) -> Tensor:
    """Whether a positive is one of so many that answer best to its box: (B, P) float.

    Args:
        chosen: (B, P, 5 + C), the positives' raw values
        labels: (B, P), class ids of their boxes
        fits: (B, P), their IoU with their boxes
        owners: (B, P), which box
        taken: (B, P), 0 where there is none
    """
    scores = chosen[..., 4].sigmoid() * chosen[..., 5:].gather(2, labels[..., None].long())[..., 0].sigmoid()
    answers = scores**SCORE_POWER * fits**IOU_POWER
    place = torch.arange(answers.shape[1], device=answers.device)
    first = answers[:, None] > answers[:, :, None]  # (B, P, P): whether the second one answers better
    first |= (answers[:, None] == answers[:, :, None]) & (place < place[:, None])
    rivals = (owners[:, None] == owners[:, :, None]) & (taken[:, None] > 0)
    return ((first & rivals).sum(dim=2) < most).float()


def decode_boxes(raw: Tensor, cells: Tensor, strides: Tensor, anchors: Tensor, scales: Tensor, coding: str) -> Tensor:
    """Boxes that raw values stand for: (..., 4), corners in pixels of the input; see `trizoo.families.yolo.coding`.

    Args:
        raw: (..., >= 4), of the centre's x and y, of width and height
        cells: (..., 2), column and row
        strides: (...), pixels a cell
        anchors: (..., 2), width and height in pixels
        scales: (...), see `place_in_cell`
        coding: one of `trizoo.families.yolo.coding.CODINGS`
    """
    centre = (place_in_cell(raw[..., :2], scales) + cells) * strides[..., None]
    half = anchor_factors(raw[..., 2:4], coding) * anchors / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def anchor_factors(raw: Tensor, coding: str) -> Tensor:
    """What raw widths and heights multiply the anchor's by; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return (2 * raw.sigmoid()) ** 2
    return raw.clamp(max=MAX_LOG_SIZE).exp()


def log_factors(raw: Tensor, coding: str) -> Tensor:
    """The logarithm of `anchor_factors`, without a bound; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return 2 * (math.log(2) + F.logsigmoid(raw))
    return raw


def place_in_cell(raw: Tensor, scales: Tensor) -> Tensor:
    """Where raw x and y put a centre, in cells: (..., 2), (...) -> (..., 2); see `trizoo.families.yolo.coding`.

    Args:
        scales: (...), how far the sigmoid is stretched about its middle
    """
    return raw.sigmoid() * scales[..., None] - (scales[..., None] - 1) / 2


def squared_errors(
    raw: Tensor,
    boxes: Tensor,
    cells: Tensor,
    strides: Tensor,
    anchors: Tensor,
    scales: Tensor,
    coding: str,
    size: tuple[int, int],
) -> Tensor:
    """The "mse" box term, element by element: (...); see `trizoo.families.yolo.reference.yolo_loss`.

    Args:
        raw: (..., >= 4), see `decode_boxes`
        boxes: (..., 4), corners in pixels of the input
        cells: (..., 2), column and row
        strides: (...), pixels a cell
        anchors: (..., 2), width and height in pixels
        scales: (...), see `place_in_cell`
        coding: one of `trizoo.families.yolo.coding.CODINGS`
        size: input (width, height)
    """
    wh = boxes[..., 2:] - boxes[..., :2]
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2 / strides[..., None] - cells
    weight = 2 - wh[..., 0] * wh[..., 1] / (size[0] * size[1])
    sides = log_factors(raw[..., 2:4], coding) - (wh / anchors).log()
    errors = torch.cat([place_in_cell(raw[..., :2], scales) - centre, sides], dim=-1)
    return weight * (errors**2).sum(dim=-1) / 2
