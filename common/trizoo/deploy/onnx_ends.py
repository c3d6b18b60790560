"""What an ONNX graph ends in behind the network: boxes after NMS, a mask, or probabilities.

Boxes are the same as those of the family's decode.py for an image that fills the input: in pixels of the input, clipped
to it, at most `max_detections`, highest score first. Of a batch all images have as many places as the one with most
boxes needs; empty ones have score 0, label -1 and a box of zeros.
"""

import numpy as np

from trizoo.deploy.onnx_ops import Ops
from trizoo.families.base.graph import NOTHING, gather_rows, int64, side, voted

PREFIX = "decode/"
_KEPT = np.float32(-0.5)  # between NOTHING and the least score


def add_boxes(model, spec, thresholds, batch):
    """Adds decoding and NMS to an onnx.ModelProto: outputs boxes (B, K, 4), scores (B, K), labels (B, K) come first.

    Confidence, nms and max_detections become inputs that may be left out, with these thresholds as defaults.

    Args:
        spec: the model's
        thresholds: a `trizoo.deploy.metadata.Thresholds`
        batch: images at once, None for any number
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, ops = model.graph, Ops(PREFIX)
    image = graph.input[0].name
    size = side(ops, image, 2), side(ops, image, 1)  # width, height
    outputs = [ops("Cast", output.name, to=np.float32) for output in graph.output]
    candidates = spec.candidates(ops, outputs, size, "confidence")
    candidates = _on_input(ops, *candidates, size)
    boxes, scores, labels = _suppress(ops, *candidates, spec.num_classes)
    if thresholds.nms_method == "vote":
        boxes = voted(ops, boxes, labels, *candidates)
    named = {"boxes": boxes, "scores": scores, "labels": labels}
    for name, value in named.items():
        ops.name(value, name)
    ops.add_to(graph)
    for name, value in thresholds.numbers.items():
        array = np.array(value, np.int64 if name == "max_detections" else np.float32)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        graph.input.append(helper.make_tensor_value_info(name, kind, ()))
        graph.initializer.append(numpy_helper.from_array(array, name))
    images = batch or "batch"
    _lead(
        graph,
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, (images, "found", 4)),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, (images, "found")),
        helper.make_tensor_value_info("labels", TensorProto.INT64, (images, "found")),
    )


def add_mask(model, batch, size):
    """Adds the likeliest class of each pixel to an onnx.ModelProto: the output mask, uint8 (B, H, W), comes first.

    Args:
        batch: images at once, None for any number
        size: (width, height), None for any
    """
    from onnx import TensorProto, helper

    graph, ops = model.graph, Ops(PREFIX)
    best = ops("ArgMax", graph.output[0].name, axis=3, keepdims=0)
    ops.name(ops("Cast", best, to=np.uint8), "mask")
    ops.add_to(graph)
    width, height = size or ("width", "height")
    _lead(graph, helper.make_tensor_value_info("mask", TensorProto.UINT8, (batch or "batch", height, width)))


def add_probabilities(model, spec, batch):
    """Adds what logits become to an onnx.ModelProto: the output probabilities, float32 (B, C), comes first.

    It is their softmax, or the sigmoid of each where classes aren't exclusive.

    Args:
        spec: the model's
        batch: images at once, None for any number
    """
    from onnx import TensorProto, helper

    graph, ops = model.graph, Ops(PREFIX)
    logits = graph.output[0].name
    ops.name(ops("Softmax", logits, axis=1) if spec.exclusive else ops("Sigmoid", logits), "probabilities")
    ops.add_to(graph)
    shape = (batch or "batch", spec.num_classes)
    _lead(graph, helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape))


def _lead(graph, *outputs):
    """Puts outputs before those that there are."""
    raw = list(graph.output)
    del graph.output[:]
    graph.output.extend([*outputs, *raw])


def _on_input(ops, boxes, scores, labels, size):
    """Boxes clipped to the input, and scores of which those without area there are NOTHING."""
    limits = ops("Cast", ops("Concat", *size, *size, axis=0), to=np.float32)
    boxes = ops("Min", ops("Max", boxes, np.float32(0)), limits)
    sides = ops("Sub", *(ops("Slice", boxes, int64(first), int64(first + 2), int64(-1)) for first in (2, 0)))
    has_area = ops("Greater", ops("ReduceMin", sides, int64(-1), keepdims=0), np.float32(0))
    return boxes, ops("Where", has_area, scores, NOTHING), labels


def _suppress(ops, boxes, scores, labels, num_classes):
    """NMS per class, highest scores first: (B, K, 4), (B, K), (B, K) -> the same of what is kept."""
    classes = np.arange(num_classes, dtype=np.int64)[:, None]
    is_of_class = ops("Equal", ops("Unsqueeze", labels, int64(1)), classes)  # (B, C, K)
    by_class = ops("Where", is_of_class, ops("Unsqueeze", scores, int64(1)), NOTHING)
    most = ops("Reshape", "max_detections", int64(1))
    selected = ops("NonMaxSuppression", boxes, by_class, most, ops("Reshape", "nms", int64(1)), _KEPT.reshape(1))
    places = ops("Gather", selected, int64(0, 2), axis=1)  # image and candidate of each
    none = ops("Min", scores, NOTHING)  # (B, K), of which no score is lower
    scores = ops("ScatterND", none, places, ops("GatherND", scores, places))
    scores, order = ops("TopK", scores, ops("Min", most, side(ops, scores, 1)), axis=1, outputs=2)
    found = ops("Greater", scores, _KEPT)
    counts = ops("ReduceSum", ops("Cast", found, to=np.int64), int64(1), keepdims=0)
    greatest = ops("ReduceMax", counts, keepdims=1)

    def shown(values, empty, condition=found):
        values = ops("Where", condition, values, empty)
        return ops("Slice", values, int64(0), greatest, int64(1))

    boxes = shown(gather_rows(ops, boxes, order), np.float32(0), ops("Unsqueeze", found, int64(-1)))
    labels = shown(ops("GatherElements", labels, order, axis=1), np.int64(-1))
    return boxes, shown(scores, np.float32(0)), labels
