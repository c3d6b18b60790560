"""What a student lacks of its teacher; the reference, with its definition in words, is in `trizoo.families.base`."""

import tensorflow as tf

from tf2_zoo.losses.terms import overlap, smooth_l1
from tf2_zoo.losses.yolo import decode_boxes
from trizoo.families.base.distillation import COUNT, FEATURE, LEAST_SQUARE, OUTPUT


class DistillationLoss:
    """Outputs, adapted features and targets -> {"loss", the own terms, "teacher", "features"}: scalars.

    Args:
        loss: the student's own
        teacher: the loss of what is learned of the teacher's outputs, None where that is nothing
        options: the recipe's distill section
    """

    def __init__(self, loss, teacher, options):
        self.loss = loss
        self.teacher = teacher
        self.options = options

    def __call__(self, heads, targets, size):
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

    def of_images(self, heads, taught, targets, size):
        """Of logits (B, C) or (B, H, W, C): the mean over pixels, or over classes that don't exclude one another."""
        logits = tf.cast(heads[0], tf.float32)
        if self.loss.spec.family == "multilabel":
            divergence = sigmoid_divergence(logits, taught[0])
        else:
            divergence = softmax_divergence(logits, taught[0], self.options.temperature)
        pixels = tf.reshape(divergence, (tf.shape(divergence)[0], -1))
        return tf.reduce_sum(tf.reduce_mean(pixels, axis=1)) / targets[COUNT]

    def of_cells(self, heads, taught, targets, size):
        """Of a YOLO's outputs; see `trizoo.families.yolo.reference.yolo_divergence`."""
        own, teacher, options = self.loss, self.teacher, self.loss.options
        width = 5 + own.spec.num_classes
        flat = [[tf.reshape(head, (tf.shape(head)[0], -1, width)) for head in side] for side in (heads, taught)]
        raw, wanted = (tf.cast(tf.concat(side, axis=1), tf.float32) for side in flat)
        *grid, balance = own.grid(size)
        *theirs, _ = teacher.grid(size)
        sure = tf.sigmoid(wanted[..., 4])
        objectness = tf.reduce_sum(sigmoid_divergence(raw[..., 4], wanted[..., 4]) * balance)
        classes = tf.reduce_sum(sigmoid_divergence(raw[..., 5:], wanted[..., 5:]), axis=-1)
        classes = tf.reduce_sum(classes * sure)
        boxes = decode_boxes(raw, *grid, own.spec.coding), decode_boxes(wanted, *theirs, teacher.spec.coding)
        box = tf.reduce_sum((1 - overlap(*boxes, "giou")) * sure)
        terms = options.objectness_gain * objectness + options.class_gain * classes + options.box_gain * box
        return terms / targets["num_positives"]

    def of_anchors(self, heads, taught, targets, size):
        """Of an SSD's or a RetinaNet's; see `trizoo.families.anchored.reference.anchor_divergence`."""
        options, (wanted, truth) = self.loss.options, taught
        deltas, logits = (tf.cast(head, tf.float32) for head in heads)
        if self.loss.spec.background == "output":
            sure = 1 - tf.nn.softmax(truth)[..., 0]
            classes = softmax_divergence(logits, truth, self.options.temperature)
        else:
            sure = tf.reduce_max(tf.sigmoid(truth), axis=-1)
            classes = tf.reduce_sum(sigmoid_divergence(logits, truth), axis=-1)
        box = tf.reduce_sum(smooth_l1(deltas - wanted, options.box_beta), axis=-1)
        terms = tf.reduce_sum(sure * (options.class_gain * classes + options.box_gain * box))
        return terms / targets["num_positives"]


DIVERGENCES = {
    "classification": DistillationLoss.of_images,
    "multilabel": DistillationLoss.of_images,
    "segmentation": DistillationLoss.of_images,
    "yolo": DistillationLoss.of_cells,
    "ssd": DistillationLoss.of_anchors,
    "retinanet": DistillationLoss.of_anchors,
}


def softmax_divergence(logits, taught, temperature):
    """See `trizoo.families.base.distillation.softmax_divergence`: (..., C), (..., C) -> (...)."""
    truth, logs = tf.nn.log_softmax(taught / temperature), tf.nn.log_softmax(logits / temperature)
    return temperature**2 * tf.reduce_sum(tf.exp(truth) * (truth - logs), axis=-1)


def sigmoid_divergence(logits, taught):
    """See `trizoo.families.base.distillation.sigmoid_divergence`: (...), (...) -> (...)."""
    truth = tf.sigmoid(taught)
    entropies = [tf.nn.sigmoid_cross_entropy_with_logits(truth, of) for of in (logits, taught)]
    return entropies[0] - entropies[1]


def feature_error(adapted, features):
    """The sum over images of `trizoo.families.base.distillation.feature_error`: (B, ...), (B, ...) -> ()."""
    errors = tf.reduce_mean((tf.cast(adapted, tf.float32) - features) ** 2, axis=(1, 2, 3))
    return tf.reduce_sum(errors / tf.maximum(tf.reduce_mean(features**2, axis=(1, 2, 3)), LEAST_SQUARE))
