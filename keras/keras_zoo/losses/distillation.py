"""What a student lacks of its teacher; the reference, with its definition in words, is in `trizoo.families.base`."""

from keras import ops

from keras_zoo.losses.terms import sigmoid_divergence, smooth_l1, softmax_divergence
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
        outputs, features = (("teacher",) if teacher else ()), (("features",) if options.features else ())
        self.terms = (*loss.terms, *outputs, *features)

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: the student's outputs, and behind them its adapted features
            targets: the own loss's, and those named in `trizoo.families.base.distillation`
            size: input (width, height)
        """
        options, count = self.options, len(self.loss.spec.output_names)
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
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
        logits = ops.cast(heads[0], "float32")
        if self.loss.spec.family == "multilabel":
            divergence = sigmoid_divergence(logits, taught[0])
        else:
            divergence = softmax_divergence(logits, taught[0], self.options.temperature)
        pixels = ops.reshape(divergence, (ops.shape(divergence)[0], -1))
        return ops.sum(ops.mean(pixels, axis=1)) / targets[COUNT]

    def of_cells(self, heads, taught, targets, size):
        """Of a YOLO's outputs; see `trizoo.families.yolo.reference.yolo_divergence`."""
        return self.loss.divergence(heads, taught, self.teacher, size) / targets["num_positives"]

    def of_anchors(self, heads, taught, targets, size):
        """Of an SSD's or a RetinaNet's; see `trizoo.families.anchored.reference.anchor_divergence`."""
        options, (wanted, truth) = self.loss.options, taught
        deltas, logits = (ops.cast(head, "float32") for head in heads)
        if self.loss.spec.background == "output":
            sure = 1 - ops.softmax(truth)[..., 0]
            classes = softmax_divergence(logits, truth, self.options.temperature)
        else:
            sure = ops.max(ops.sigmoid(truth), axis=-1)
            classes = ops.sum(sigmoid_divergence(logits, truth), axis=-1)
        box = ops.sum(smooth_l1(deltas - wanted, options.box_beta), axis=-1)
        terms = ops.sum(sure * (options.class_gain * classes + options.box_gain * box))
        return terms / targets["num_positives"]


DIVERGENCES = {
    "classification": DistillationLoss.of_images,
    "multilabel": DistillationLoss.of_images,
    "segmentation": DistillationLoss.of_images,
    "yolo": DistillationLoss.of_cells,
    "ssd": DistillationLoss.of_anchors,
    "retinanet": DistillationLoss.of_anchors,
}


def feature_error(adapted, features):
    """The sum over images of `trizoo.families.base.distillation.feature_error`: (B, ...), (B, ...) -> ()."""
    errors = ops.mean((ops.cast(adapted, "float32") - features) ** 2, axis=(1, 2, 3))
    return ops.sum(errors / ops.maximum(ops.mean(features**2, axis=(1, 2, 3)), LEAST_SQUARE))
