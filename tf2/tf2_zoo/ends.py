"""What a graph ends in behind the network: boxes after NMS, or a mask.

The numbers are those of the family's decode.py for an image that fills the input, as of `trizoo.deploy.onnx_ends`.
"""

import numpy as np
import tensorflow as tf

from tf2_zoo.graph_ops import Ops
from trizoo.families.base.graph import NOTHING, voted

_KEPT = np.float32(-0.5)  # between NOTHING and the least score


def find_boxes(spec, outputs, size, confidence, nms, max_detections, nms_method="hard"):
    """The network's outputs to boxes (B, M, 4), scores (B, M) and labels (B, M), highest score first: {name: tensor}.

    M is max_detections, or all candidates that there are. Empty places have score 0, label -1 and a box of zeros.

    Args:
        spec: the model's
        outputs: float32
        size: width and height of the input, int32 (1,) each
        confidence, nms: the least score, and the IoU above which NMS removes the weaker box; None: it removes none
        max_detections: int32 (), or a whole number, which makes a graph of fixed shapes
        nms_method: "hard" or "vote"
    """
    boxes, scores, labels = spec.candidates(Ops(), outputs, size, confidence)
    boxes = tf.clip_by_value(boxes, 0.0, tf.cast(tf.concat([*size, *size], 0), tf.float32))
    has_area = tf.reduce_min(boxes[..., 2:] - boxes[..., :2], -1) > 0
    scores = tf.where(has_area, scores, NOTHING)
    candidates, is_fixed = (boxes, scores, labels), isinstance(max_detections, int)
    most = min(max_detections, scores.shape[1]) if is_fixed else tf.minimum(max_detections, tf.shape(scores)[1])

    def of_image(candidates):
        return _suppress(*candidates, spec.num_classes, nms, most)

    if is_fixed:
        images = zip(*map(tf.unstack, candidates), strict=True)
        found = [tf.stack(values) for values in zip(*map(of_image, images), strict=True)]
    else:
        found = tf.map_fn(of_image, candidates, fn_output_signature=(tf.float32, tf.float32, tf.int32))
    boxes, scores, labels = found
    if nms_method == "vote":
        boxes = voted(Ops(), boxes, labels, *candidates)
    return {"boxes": boxes, "scores": scores, "labels": tf.cast(labels, tf.int64)}


def without_empty(found):
    """As many places as the image with the most boxes needs, of what `find_boxes` gives."""
    most = tf.reduce_max(tf.reduce_sum(tf.cast(found["labels"] >= 0, tf.int32), 1))
    return {name: values[:, :most] for name, values in found.items()}


def likeliest(logits):
    """The mask of logits: (B, H, W, C) -> uint8 (B, H, W)."""
    return tf.cast(tf.argmax(logits, -1, output_type=tf.int32), tf.uint8)


def _suppress(boxes, scores, labels, num_classes, nms, most):
    """NMS of one image: (K, 4), (K,), (K,) -> the same of M places.

    One class after another, which TFLite can do with what it has built in.

    Args:
        nms: IoU above which the weaker box goes, None where none does
        most: M
    """
    if nms is None:
        places, kept = tf.range(tf.shape(scores)[0]), scores
    else:
        classes = (tf.where(labels == label, scores, NOTHING) for label in range(num_classes))
        found = [_suppress_class(boxes, of_class, nms, most) for of_class in classes]
        places, kept = (tf.concat(parts, 0) for parts in zip(*found, strict=True))
    scores, order = tf.math.top_k(kept, most)
    places, there = tf.gather(places, order), scores > _KEPT
    boxes = tf.where(there[:, None], tf.gather(boxes, places), 0.0)
    return boxes, tf.where(there, scores, 0.0), tf.where(there, tf.gather(labels, places), -1)


def _suppress_class(boxes, scores, nms, most):
    """Places of one class's boxes that stay and their scores, of empty places NOTHING: (K, 4), (K,) -> (M,), (M,)."""
    places, count = tf.raw_ops.NonMaxSuppressionV4(
        boxes=boxes,
        scores=scores,
        max_output_size=most,
        iou_threshold=nms,
        score_threshold=_KEPT,
        pad_to_max_output_size=True,
    )
    return places, tf.where(tf.range(most) < count, tf.gather(scores, places), NOTHING)
