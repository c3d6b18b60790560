"""The YOLO loss; the reference, with its definition in words, is `trizoo.families.yolo.reference.yolo_loss`."""

import math

import numpy as np
from keras import ops

from keras_zoo.losses.terms import by_class, focal_weight, overlap, sigmoid_divergence
from trizoo.families.yolo.coding import MAX_LOG_SIZE
from trizoo.families.yolo.grid import yolo_grid
from trizoo.families.yolo.targets import IOU_POWER, SCORE_POWER


class YOLOLoss:
    """Outputs and targets -> {"loss", "box", "objectness", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    terms = ("box", "objectness", "class")

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: (B, h, w, A, 5 + C) each, in the model's order
            targets: arrays or tensors of `trizoo.families.yolo.targets.assign`
            size: input (width, height), known when traced
        """
        options, coding = self.options, self.spec.coding
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        width = 5 + self.spec.num_classes
        raw = _rows(heads, width)
        *grid, balance = self._grid(size)
        boxes, positives, normaliser = targets["boxes"], targets["positives"], targets["num_positives"]
        # The padding keeps its slots, which count nothing: a number of positives that only the data knows can't be
        # compiled.
        taken = ops.cast(positives >= 0, "float32")  # (B, P)
        index, owners = ops.maximum(positives, 0), targets["owners"]

        chosen = ops.take_along_axis(raw, index[..., None], axis=1)  # (B, P, 5 + C)
        place = [ops.take(constants, index, axis=0) for constants in grid]
        labels = ops.take_along_axis(targets["labels"], owners, axis=1)
        wanted_boxes = ops.take_along_axis(boxes, owners[..., None], axis=1)  # (B, P, 4)
        some_box = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])  # or log of 0
        wanted_boxes = ops.where(taken[..., None] > 0, wanted_boxes, some_box)
        predicted = decode_boxes(chosen, *place, coding)

        if options.aligned or options.objectness_iou:
            fits = ops.stop_gradient(overlap(predicted, wanted_boxes))
        if options.aligned:
            taken = taken * _best_aligned(ops.stop_gradient(chosen), labels, fits, owners, taken, options.aligned)
            positives = ops.where(taken > 0, positives, -1)
        here = ops.expand_dims(ops.arange(ops.shape(raw)[1], dtype="int32"), -1)  # (N, 1)
        wanted = positive = ops.cast(ops.any(here == positives[:, None], axis=2), "float32")  # (B, N)
        counted = ops.ones_like(positive)
        if options.ignore_iou < 1:
            decoded = decode_boxes(ops.stop_gradient(raw), *grid, coding)
            overlaps = ops.max(overlap(decoded[:, :, None], boxes[:, None]), axis=2)
            counted = ops.maximum(positive, ops.cast(overlaps <= options.ignore_iou, "float32"))
        if options.objectness_iou:
            lacking = options.objectness_iou * (1 - fits) * taken
            wanted = positive - ops.sum(ops.where(here == positives[:, None], lacking[:, None], 0.0), axis=2)
        objectness = ops.binary_crossentropy(wanted, raw[..., 4], from_logits=True)
        objectness = objectness * focal_weight(raw[..., 4], wanted, options.focal_gamma, options.focal_alpha)
        objectness = ops.sum(objectness * balance * counted)

        classes = ops.cast(labels[..., None] == ops.arange(self.spec.num_classes, dtype="int32"), "float32")
        focal = focal_weight(chosen[..., 5:], classes, options.class_focal_gamma, None)
        classes = classes * (1 - options.label_smoothing) + options.label_smoothing / 2
        classification = ops.binary_crossentropy(classes, chosen[..., 5:], from_logits=True) * focal
        classification = by_class(ops.sum(classification, axis=-1), labels, options.class_weights)
        classification = ops.sum(classification * taken)

        if options.box == "mse":
            box = squared_errors(chosen, wanted_boxes, *place, coding, size)
        else:
            box = 1 - overlap(predicted, wanted_boxes, options.box)
        box = ops.sum(box * taken)

        terms = {
            "box": box * options.box_gain / normaliser,
            "objectness": objectness * options.objectness_gain / normaliser,
            "class": classification * options.class_gain / normaliser,
        }
        return {"loss": sum(terms.values()), **terms}

    def divergence(self, heads, taught, teacher, size):
        """What outputs lack of a teacher's; see `trizoo.families.yolo.reference.yolo_divergence`.

        Args:
            heads: see `__call__`
            taught: the teacher's, at the same strides
            teacher: the loss of their spec
            size: input (width, height)
        """
        options = self.options
        width = 5 + self.spec.num_classes
        raw, wanted = _rows(heads, width), _rows(taught, width)
        *grid, balance = self._grid(size)
        *theirs, _ = teacher._grid(size)
        sure = ops.sigmoid(wanted[..., 4])
        objectness = ops.sum(sigmoid_divergence(raw[..., 4], wanted[..., 4]) * balance)
        classes = ops.sum(sigmoid_divergence(raw[..., 5:], wanted[..., 5:]), axis=-1)
        classes = ops.sum(classes * sure)
        boxes = decode_boxes(raw, *grid, self.spec.coding), decode_boxes(wanted, *theirs, teacher.spec.coding)
        box = ops.sum((1 - overlap(*boxes, "giou")) * sure)
        return options.objectness_gain * objectness + options.class_gain * classes + options.box_gain * box

    def _grid(self, size):
        """The grid's constants; in a traced function they are made once."""
        grid = yolo_grid(self.spec, size)
        balance = np.array(self.options.balance, np.float32)[grid.heads]
        arrays = (grid.cells, grid.strides, grid.anchors, grid.scales, balance)
        return tuple(ops.convert_to_tensor(array, "float32") for array in arrays)


def _rows(heads, width):
    """All predictions, float32: (B, h, w, A, 5 + C) each -> (B, N, 5 + C), the width."""
    flat = [ops.reshape(head, (ops.shape(head)[0], -1, width)) for head in heads]
    return ops.cast(ops.concatenate(flat, axis=1), "float32")


def _best_aligned(chosen, labels, fits, owners, taken, most):
    """Whether a positive is one of so many that answer best to its box: (B, P), 1 or 0.

    Args:
        chosen: (B, P, 5 + C), the positives' raw values
        labels: (B, P), class ids of their boxes
        fits: (B, P), their IoU with their boxes
        owners: (B, P), which box
        taken: (B, P), 0 where there is none
    """
    of_class = ops.take_along_axis(chosen[..., 5:], ops.expand_dims(labels, -1), axis=2)[..., 0]
    answers = (ops.sigmoid(chosen[..., 4]) * ops.sigmoid(of_class)) ** SCORE_POWER * fits**IOU_POWER
    place = ops.arange(ops.shape(answers)[1], dtype="int32")
    alike = ops.logical_and(answers[:, None] == answers[:, :, None], place < ops.expand_dims(place, -1))
    first = ops.logical_or(answers[:, None] > answers[:, :, None], alike)  # (B, P, P): whether the second is better
    rivals = ops.logical_and(owners[:, None] == owners[:, :, None], taken[:, None] > 0)
    ahead = ops.sum(ops.cast(ops.logical_and(first, rivals), "int32"), axis=2)
    return ops.cast(ahead < most, "float32")


def decode_boxes(raw, cells, strides, anchors, scales, coding):
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
    return ops.concatenate([centre - half, centre + half], axis=-1)


def anchor_factors(raw, coding):
    """What raw widths and heights multiply the anchor's by; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return (2 * ops.sigmoid(raw)) ** 2
    return ops.exp(ops.minimum(raw, MAX_LOG_SIZE))


def log_factors(raw, coding):
    """The logarithm of `anchor_factors`, without a bound; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return 2 * (math.log(2) + ops.log_sigmoid(raw))
    return raw


def place_in_cell(raw, scales):
    """Where raw x and y put a centre, in cells: (..., 2), (...) -> (..., 2); see `trizoo.families.yolo.coding`.

    Args:
        scales: (...), how far the sigmoid is stretched about its middle
    """
    return ops.sigmoid(raw) * scales[..., None] - (scales[..., None] - 1) / 2


def squared_errors(raw, boxes, cells, strides, anchors, scales, coding, size):
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
    sides = log_factors(raw[..., 2:4], coding) - ops.log(wh / anchors)
    errors = ops.concatenate([place_in_cell(raw[..., :2], scales) - centre, sides], axis=-1)
    return weight * ops.sum(errors**2, axis=-1) / 2
