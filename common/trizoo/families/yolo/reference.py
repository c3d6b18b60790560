"""Reference losses in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose. The frameworks' losses must give the same values and gradients to 1e-4.
"""

import numpy as np

from trizoo.families.base.distillation import sigmoid_divergence
from trizoo.families.base.terms import binary_cross_entropy, by_class, focal_weight, sigmoid
from trizoo.families.yolo.coding import decode_boxes, log_factors, place_in_cell
from trizoo.families.yolo.grid import flatten_outputs, yolo_grid
from trizoo.families.yolo.targets import IOU_POWER, SCORE_POWER
from trizoo.ground.boxes import aspect_penalty, overlap, xyxy_to_cxcywh


def yolo_loss(outputs, targets, spec, loss, size):
    """The YOLO loss of a batch: outputs (B, H, W, A, 5 + C) per level -> {term: float}.

    Terms, each already multiplied by its gain and divided by the number of positives P of the whole batch:
        box         sum over positives of 1 - IoU (of the kind asked for) between the decoded prediction and its box;
                    "mse" instead: 2 - (share of the image that the box covers), times half the squared errors of
                    the decoded centre's place in its cell (in cells) and of log width and height
        objectness  sum over predictions of binary cross-entropy: 1 for positives, less `objectness_iou` times what
                    the prediction's IoU with its box lacks of 1 (a constant), 0 for the others, but those that
                    overlap any box of their image by more than `ignore_iou` are left out; times `focal_weight`, times
                    `balance` per level
        class       sum over positives and classes of binary cross-entropy; with `label_smoothing` e the targets are
                    1 - e / 2 and e / 2: each class is a decision between two, as in Darknet's label_smooth_eps. Times
                    `focal_weight` of the classes by `class_focal_gamma`, times the weight of the box's class
        loss        their sum

    Of the positives of a box those alone count, `aligned` of them, whose score of its class to the power of 0.5, times
    IoU with it to the power of 6, is greatest (the first of those alike): both as the outputs have them, as constants.

    Args:
        targets: of `trizoo.families.yolo.targets.assign`
        loss: the recipe's `loss` section
        size: input (width, height)
    """
    terms, _ = _evaluate(outputs, targets, spec, loss, size)
    return terms


def yolo_loss_gradients(outputs, targets, spec, loss, size):
    """Gradient of `yolo_loss`'s sum with respect to each output: a list of float64 arrays of the outputs' shapes.

    CIoU's trade-off weight counts as a constant, as in its paper (Zheng et al. 2020, equation 12 and below). The box
    term's part is differentiated numerically (central differences in float64), the rest by formula. The
    arguments are those of `yolo_loss`.
    """
    _, gradient = _evaluate(outputs, targets, spec, loss, size)
    pieces = np.split(gradient, np.cumsum([np.prod(output.shape[1:4]) for output in outputs])[:-1], axis=1)
    return [piece.reshape(output.shape) for piece, output in zip(pieces, outputs, strict=True)]


def _evaluate(outputs, targets, spec, loss, size):
    raw = flatten_outputs([np.asarray(output, np.float64) for output in outputs])  # (B, N, 5 + C)
    grid = yolo_grid(spec, size)
    if raw.shape[1:] != (len(grid.heads), 5 + spec.num_classes):
        needed = f"({len(grid.heads)}, {5 + spec.num_classes})"
        raise ValueError(f"outputs hold predictions of shape {raw.shape[1:]}; size {size} and the spec need {needed}")
    normaliser = float(targets["num_positives"])
    image, slot = np.nonzero(targets["positives"] >= 0)
    index, owner = targets["positives"][image, slot], targets["owners"][image, slot]
    decoded = decode_boxes(raw, grid.cells, grid.strides, grid.anchors, grid.scales, spec.coding)
    if loss.aligned is not None:
        stay = _best_aligned(raw, decoded, targets, image, index, owner, loss.aligned)
        image, index, owner = image[stay], index[stay], owner[stay]
    boxes = targets["boxes"].astype(np.float64)[image, owner]
    gradient = np.zeros_like(raw)

    positive = np.zeros(raw.shape[:2], bool)
    positive[image, index] = True
    overlaps = overlap(decoded[:, :, None], targets["boxes"].astype(np.float64)[:, None]).max(axis=2)
    counted = positive | (overlaps <= loss.ignore_iou)
    balance = np.array(loss.balance[: len(outputs)])[grid.heads]
    weight = loss.objectness_gain * balance * counted / normaliser
    wanted = positive.astype(np.float64)
    wanted[image, index] -= loss.objectness_iou * (1 - overlap(decoded[image, index], boxes))
    entropy = binary_cross_entropy(raw[..., 4], wanted)
    focal, focal_slope = focal_weight(raw[..., 4], wanted, loss.focal_gamma, loss.focal_alpha)
    objectness = (weight * focal * entropy).sum()
    gradient[..., 4] = weight * (focal * (sigmoid(raw[..., 4]) - wanted) + focal_slope * entropy)

    chosen = raw[image, index]  # (P, 5 + C)
    labels = targets["labels"][image, owner]
    classes = np.eye(spec.num_classes)[labels]
    focal, focal_slope = focal_weight(chosen[:, 5:], classes, loss.class_focal_gamma, None)
    classes = classes * (1 - loss.label_smoothing) + loss.label_smoothing / 2
    weight = loss.class_gain / normaliser * by_class(loss.class_weights, labels, labels >= 0)[:, None]
    entropy = binary_cross_entropy(chosen[:, 5:], classes)
    classification = (weight * focal * entropy).sum()
    gradient[image, index, 5:] = weight * (focal * (sigmoid(chosen[:, 5:]) - classes) + focal_slope * entropy)

    weight = loss.box_gain / normaliser
    measure = _box_measure(loss.box, spec.coding, boxes, grid, index, size, chosen[:, :4])
    box = weight * measure(chosen[:, :4]).sum()
    for coordinate, step in enumerate(np.eye(4) * 1e-5):
        slope = (measure(chosen[:, :4] + step) - measure(chosen[:, :4] - step)) / 2e-5
        gradient[image, index, coordinate] = weight * slope

    terms = {"loss": box + objectness + classification, "box": box, "objectness": objectness, "class": classification}
    return {name: float(value) for name, value in terms.items()}, gradient


def _best_aligned(raw, decoded, targets, image, index, owner, most):
    """Which positives stay, at most so many a box: places among those given, in their order."""
    scores = sigmoid(raw[image, index, 4]) * sigmoid(raw[image, index, 5 + targets["labels"][image, owner]])
    overlaps = overlap(decoded[image, index], targets["boxes"].astype(np.float64)[image, owner])
    answers = scores**SCORE_POWER * overlaps**IOU_POWER
    stay = []
    for box in np.unique(np.stack([image, owner]), axis=1).T:
        of_box = np.flatnonzero((image == box[0]) & (owner == box[1]))
        stay.extend(of_box[np.argsort(-answers[of_box], kind="stable")[:most]])
    return np.sort(np.array(stay, np.int64))


def yolo_divergence(outputs, taught, spec, teacher, loss, size):
    """What a student's outputs lack of a teacher's: lists of (B, H, W, A, 5 + C) per level -> a float.

    As Mehta & Ozturk 2018 (arXiv:1805.06361): objectness learns the teacher's everywhere, classes and boxes as far as
    the teacher is sure that there is an object. The sum, divided by the number of positives of the whole batch, of
        objectness_gain * balance * sigmoid_divergence of the objectness
        class_gain * the teacher's objectness * sigmoid_divergence of the classes, summed over them
        box_gain * the teacher's objectness * (1 - GIoU of the two decoded boxes)

    Args:
        taught: the teacher's outputs at the student's strides
        teacher: its spec there, see `YOLOSpec.at_strides`
        loss: the student's `loss` section; the number of positives isn't divided by here
        size: input (width, height)
    """
    raw, wanted = (flatten_outputs([np.asarray(output, np.float64) for output in side]) for side in (outputs, taught))
    boxes = []
    for values, of in ((raw, spec), (wanted, teacher)):
        grid = yolo_grid(of, size)
        boxes.append(decode_boxes(values, grid.cells, grid.strides, grid.anchors, grid.scales, of.coding))
    balance = np.array(loss.balance[: len(outputs)])[yolo_grid(spec, size).heads]
    sure = sigmoid(wanted[..., 4])
    objectness = (balance * sigmoid_divergence(raw[..., 4], wanted[..., 4])).sum()
    classes = (sure * sigmoid_divergence(raw[..., 5:], wanted[..., 5:]).sum(axis=-1)).sum()
    box = (sure * (1 - overlap(*boxes, "giou"))).sum()
    return float(loss.objectness_gain * objectness + loss.class_gain * classes + loss.box_gain * box)


def _box_measure(kind, coding, boxes, grid, index, size, at):
    """The box term per positive as a function of the raw values (P, 4) -> (P,), to be differentiated at `at`."""
    place = [array[index].astype(np.float64) for array in (grid.cells, grid.strides, grid.anchors, grid.scales)]
    if kind == "mse":
        cells, strides, anchors, scales = place
        cxcywh = xyxy_to_cxcywh(boxes)
        centre = cxcywh[:, :2] / strides[:, None] - cells
        log_size = np.log(cxcywh[:, 2:] / anchors)
        weight = 2 - cxcywh[:, 2] * cxcywh[:, 3] / (size[0] * size[1])

        def measure(raw):
            sides = log_factors(raw[:, 2:], coding) - log_size
            errors = np.concatenate([place_in_cell(raw[:, :2], scales) - centre, sides], axis=1)
            return weight * (errors**2).sum(axis=1) / 2

        return measure
    if kind != "ciou":
        return lambda raw: 1 - overlap(decode_boxes(raw, *place, coding), boxes, kind)
    predicted = decode_boxes(at, *place, coding)
    v = aspect_penalty(predicted, boxes)
    trade_off = v / np.maximum(1 - overlap(predicted, boxes) + v, np.finfo(float).tiny)

    def measure(raw):
        predicted = decode_boxes(raw, *place, coding)
        return 1 - overlap(predicted, boxes, "diou") + trade_off * aspect_penalty(predicted, boxes)

    return measure
