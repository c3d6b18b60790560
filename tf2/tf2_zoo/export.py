"""Networks as graphs of other programs: TFLite, by TensorFlow's own converter."""

import copy

import tensorflow as tf

from tf2_zoo.predictor import fold
from trizoo.ground.stderr import without_remarks


def to_tflite(model, size, *, batch, half=False):
    """The network alone as a TFLite file's bytes: images, uint8 (B, H, W, 3) -> the outputs by their names, float32.

    Args:
        size: (width, height) of the images
        batch: images at once
        half: whether weights are kept in fp16
    """
    model = fold(copy.deepcopy(model))
    images = tf.TensorSpec((batch, size[1], size[0], 3), tf.uint8, name="images")
    serve = tf.function(model._serve, input_signature=[images]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve], model)
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    with without_remarks():
        return converter.convert()
