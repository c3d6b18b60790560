"""The YOLO loss; the reference, with its definition in words, is `trizoo.families.yolo.reference.yolo_loss`."""

import math

import numpy as np
import tensorflow as tf

from tf2_zoo.losses.terms import by_class, focal_weight, overlap, sigmoid_divergence
from trizoo.families.yolo.coding import MAX_LOG_SIZE
from trizoo.families.yolo.grid import yolo_grid
from trizoo.families.yolo.targets import IOU_POWER, SCORE_POWER


class YOLOLoss:
    """Outputs and targets -> {"loss", "box", "objectness", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: (B, h, w, A, 5 + C) each, in the model's order
            targets: tensors of `trizoo.families.yolo.targets.assign`
            size: input (width, height), known when traced
        """
        options, coding = self.options, self.spec.coding
        # (B, h, w, A, 5 + C) -> (B, N, 5 + C)
        flat = [tf.reshape(head, (tf.shape(head)[0], math.prod(head.shape[1:4]), head.shape[4])) for head in heads]
        raw = tf.cast(tf.concat(flat, axis=1), tf.float32)
        *grid, balance = self._grid(size)
        boxes, normaliser = targets["boxes"], targets["num_positives"]
        # The padding keeps its slots, which count nothing: picking out the positives would mean shapes that depend on
        # values.
        taken = tf.cast(targets["positives"] >= 0, tf.float32)  # (B, P)
        index, owners = tf.maximum(targets["positives"], 0), targets["owners"]

        chosen = tf.gather(raw, index, batch_dims=1)  # (B, P, 5 + C)
        place = [tf.gather(constants, index) for constants in grid]
        labels = tf.gather(targets["labels"], owners, batch_dims=1)
        wanted_boxes = tf.gather(boxes, owners, batch_dims=1)  # (B, P, 4)
        wanted_boxes = tf.where(taken[..., None] > 0, wanted_boxes, [0.0, 0.0, 1.0, 1.0])  # log of 0 otherwise
        predicted = decode_boxes(chosen, *place, coding)

        if options.aligned or options.objectness_iou:
            fits = tf.stop_gradient(overlap(predicted, wanted_boxes))
        if options.aligned:
            taken *= _best_aligned(tf.stop_gradient(chosen), labels, fits, owners, taken, options.aligned)
        rows = tf.broadcast_to(tf.range(tf.shape(index)[0])[:, None], tf.shape(index))
        places = tf.stack([rows, index], axis=-1)
        wanted = positive = tf.scatter_nd(places, taken, tf.shape(raw)[:2])
        counted = tf.ones_like(positive)
        if options.ignore_iou < 1:
            decoded = decode_boxes(raw, *grid, coding)
            overlaps = tf.reduce_max(overlap(decoded[:, :, None], boxes[:, None]), axis=2)
            counted = tf.stop_gradient(tf.maximum(positive, tf.cast(overlaps <= options.ignore_iou, tf.float32)))
        if options.objectness_iou:
            lacking = options.objectness_iou * (1 - fits) * taken
            wanted = positive - tf.scatter_nd(places, lacking, tf.shape(raw)[:2])
        objectness = tf.nn.sigmoid_cross_entropy_with_logits(wanted, raw[..., 4])
        objectness = objectness * focal_weight(raw[..., 4], wanted, options.focal_gamma, options.focal_alpha)
        objectness = tf.reduce_sum(objectness * balance * counted)

        classes = tf.one_hot(labels, self.spec.num_classes)
        focal = focal_weight(chosen[..., 5:], classes, options.class_focal_gamma, None)
        classes = classes * (1 - options.label_smoothing) + options.label_smoothing / 2
        classification = tf.nn.sigmoid_cross_entropy_with_logits(classes, chosen[..., 5:]) * focal
        classification = by_class(tf.reduce_sum(classification, axis=-1), labels, options.class_weights)
        classification = tf.reduce_sum(classification * taken)

        if options.box == "mse":
            box = squared_errors(chosen, wanted_boxes, *place, coding, size)
        else:
            box = 1 - overlap(predicted, wanted_boxes, options.box)
        box = tf.reduce_sum(box * taken)

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
        flat = [[tf.reshape(head, (tf.shape(head)[0], -1, width)) for head in side] for side in (heads, taught)]
        raw, wanted = (tf.cast(tf.concat(side, axis=1), tf.float32) for side in flat)
        *grid, balance = self._grid(size)
        *theirs, _ = teacher._grid(size)
        sure = tf.sigmoid(wanted[..., 4])
        objectness = tf.reduce_sum(sigmoid_divergence(raw[..., 4], wanted[..., 4]) * balance)
        classes = tf.reduce_sum(sigmoid_divergence(raw[..., 5:], wanted[..., 5:]), axis=-1)
        classes = tf.reduce_sum(classes * sure)
        boxes = decode_boxes(raw, *grid, self.spec.coding), decode_boxes(wanted, *theirs, teacher.spec.coding)
        box = tf.reduce_sum((1 - overlap(*boxes, "giou")) * sure)
        return options.objectness_gain * objectness + options.class_gain * classes + options.box_gain * box

    def _grid(self, size):
        """The grid's constants; in a traced function they are made once."""
        grid = yolo_grid(self.spec, size)
        balance = np.array(self.options.balance, np.float32)[grid.heads]
        arrays = (grid.cells, grid.strides, grid.anchors, grid.scales, balance)
        return tuple(tf.constant(array, tf.float32) for array in arrays)


def _best_aligned(chosen, labels, fits, owners, taken, most):
    """Whether a positive is one of so many that answer best to its box: (B, P), 1 or 0.

    Args:
        chosen: (B, P, 5 + C), the positives' raw values
        labels: (B, P), class ids of their boxes
        fits: (B, P), their IoU with their boxes
        owners: (B, P), which box
        taken: (B, P), 0 where there is none
    """
    scores = tf.sigmoid(chosen[..., 4]) * tf.sigmoid(tf.gather(chosen[..., 5:], labels, batch_dims=2))
    answers = scores**SCORE_POWER * fits**IOU_POWER
    place = tf.range(tf.shape(answers)[1])
    alike = (answers[:, None] == answers[:, :, None]) & (place < place[:, None])
    first = (answers[:, None] > answers[:, :, None]) | alike  # (B, P, P): whether the second one answers better
    rivals = (owners[:, None] == owners[:, :, None]) & (taken[:, None] > 0)
    ahead = tf.reduce_sum(tf.cast(first & rivals, tf.int32), axis=2)
    return tf.cast(ahead < most, tf.float32)


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
    return tf.concat([centre - half, centre + half], axis=-1)


def anchor_factors(raw, coding):
    """What raw widths and heights multiply the anchor's by; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return (2 * tf.sigmoid(raw)) ** 2
    return tf.exp(tf.minimum(raw, MAX_LOG_SIZE))


def log_factors(raw, coding):
    """The logarithm of `anchor_factors`, without a bound; see `trizoo.families.yolo.coding`."""
    if coding == "squared":
        return 2 * (math.log(2) + tf.math.log_sigmoid(raw))
    return raw


def place_in_cell(raw, scales):
    """Where raw x and y put a centre, in cells: (..., 2), (...) -> (..., 2); see `trizoo.families.yolo.coding`.

    Args:
        scales: (...), how far the sigmoid is stretched about its middle
    """
    return tf.sigmoid(raw) * scales[..., None] - (scales[..., None] - 1) / 2


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
    sides = log_factors(raw[..., 2:4], coding) - tf.math.log(wh / anchors)
    errors = tf.concat([place_in_cell(raw[..., :2], scales) - centre, sides], axis=-1)
    return weight * tf.reduce_sum(errors**2, axis=-1) / 2
