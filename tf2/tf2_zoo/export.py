"""Networks as graphs of other programs: SavedModel, and TFLite by TensorFlow's own converter."""

import copy

import numpy as np
import tensorflow as tf

from tf2_zoo.ends import find_boxes, likeliest, without_empty
from tf2_zoo.int8 import quantized
from tf2_zoo.layers import Conv2d, named_modules
from tf2_zoo.predictor import fold
from trizoo.ground.stderr import without_remarks

_NUMBERS = {"confidence": tf.float32, "nms": tf.float32, "max_detections": tf.int64}


def to_saved_model(model, size, folder, *, dynamic_size, batch, half, kind, thresholds):
    """Writes a SavedModel: images, uint8 (B, H, W, 3) -> what it ends in and the outputs, all by their names.

    Its signatures: `serving_default`; `raw`, the outputs alone, which takes less time; where it ends in boxes also
    `thresholds`, of which confidence, nms and max_detections are inputs.

    Args:
        size: (width, height) of the images
        dynamic_size: whether images of other sizes that the model takes will do
        batch: images at once, None for any number
        half: whether weights are kept in fp16; the arithmetic is float32's
        kind: "boxes", "mask", "probabilities" or "raw", what the graph ends in
        thresholds: of boxes, a `trizoo.deploy.metadata.Thresholds`
    """
    model = fold(copy.deepcopy(model))
    if half:
        _keep_in_half(model)
    height, width = (None, None) if dynamic_size else size[::-1]
    images = tf.TensorSpec((batch, height, width, 3), tf.uint8, name="images")

    def with_thresholds(images, **numbers):
        outputs = model._serve(images)
        numbers["max_detections"] = tf.cast(numbers["max_detections"], tf.int32)
        found = _boxes(model.spec, images, outputs, **numbers, nms_method=thresholds.nms_method)
        return without_empty(found) | outputs

    def serve(images):
        if kind == "boxes":
            return with_thresholds(images, **thresholds.numbers)
        outputs = model._serve(images)
        return _end(kind, model.spec, outputs) | outputs

    root = tf.Module()  # of the network no more than the variables
    root.network = model
    signatures = {"serving_default": _traced(serve, images), "raw": _traced(model._serve, images)}
    if kind == "boxes":
        numbers = {name: tf.TensorSpec((), dtype, name=name) for name, dtype in _NUMBERS.items()}
        signatures["thresholds"] = _traced(with_thresholds, images, **numbers)
    with without_remarks():
        tf.saved_model.save(root, str(folder), signatures)


def to_tflite(model, size, *, batch, half, kind, thresholds, calibration=None):
    """A TFLite file's bytes: images, uint8 (B, H, W, 3) -> what it ends in and the outputs, all by their names.

    Boxes have max_detections places, of which some may be empty.

    Args:
        size: (width, height) of the images
        batch: images at once
        half: whether weights are kept in fp16
        kind, thresholds: as of `to_saved_model`
        calibration: uint8 (1, H, W, 3) each, for int8; None otherwise
    """
    model = fold(copy.deepcopy(model))

    def serve(images):
        outputs = model._serve(images)
        if kind == "boxes":
            numbers = thresholds.model_dump() | {"nms": _least_overlap(thresholds.nms)}
            return _boxes(model.spec, images, outputs, **numbers) | outputs
        return _end(kind, model.spec, outputs) | outputs

    traced = _traced(serve, tf.TensorSpec((batch, size[1], size[0], 3), tf.uint8, name="images"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    with without_remarks():
        return converter.convert() if calibration is None else quantized(converter, calibration, batch)


def _traced(function, *specs, **named):
    """The concrete function of inputs of these TensorSpecs."""
    return tf.function(function, autograph=False).get_concrete_function(*specs, **named)


def _boxes(spec, images, outputs, **thresholds):
    """See `find_boxes`."""
    sides = images.shape[1:3] if images.shape[1:3].is_fully_defined() else tf.shape(images)[1:3]
    size = sides[1:2], sides[0:1]
    return find_boxes(spec, list(outputs.values()), size, **thresholds)


def _least_overlap(threshold):
    """The IoU from which TFLite's NMS removes a box, that others remove above a threshold; None where they remove none.

    Theirs is exclusive and TFLite's inclusive.
    """
    return None if threshold >= 1 else np.nextafter(np.float32(threshold), np.float32(1))


def _end(kind, spec, outputs):
    """What comes before the outputs: {name: tensor}, empty for "raw"."""
    if kind == "mask":
        return {"mask": likeliest(*outputs.values())}
    if kind == "probabilities":
        return {"probabilities": (tf.nn.softmax if spec.exclusive else tf.sigmoid)(*outputs.values())}
    return {}


def _keep_in_half(model):
    """Has the kernels kept in fp16, in place; they are widened where they are used."""
    for _, module in named_modules(model):
        if isinstance(module, Conv2d):
            module.weight = tf.Variable(tf.cast(module.weight, tf.float16))
