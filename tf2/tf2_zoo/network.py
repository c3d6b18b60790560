"""What all networks have in common: the spec that they are built from, and a function to be served by."""

import functools

import tensorflow as tf

from tf2_zoo.layers import Module
from trizoo.architectures import architecture


class Network(Module):
    """uint8 (B, H, W, 3) -> a tuple of raw heads; a subclass says in `call` how.

    `tf.saved_model.save(network, folder)` writes what TensorFlow Serving runs, by `serve`. spec: a ModelSpec
    """

    def __init__(self, spec):
        super().__init__()
        self.spec = spec

    @functools.cached_property
    def serve(self):
        """A tf.function uint8 (B, H, W, 3) -> {name: raw head, float32}; see `output_names`.

        B, H and W may be any that the network takes, also in a SavedModel that is loaded elsewhere.
        """
        width, height = architecture(self.spec.name).only_size or (None, None)
        images = tf.TensorSpec((None, height, width, 3), tf.uint8, name="images")
        return tf.function(self._serve, input_signature=[images])

    def _serve(self, images):
        heads = [tf.cast(head, tf.float32) for head in self(images, training=False)]
        return dict(zip(output_names(self.spec), heads, strict=True))

    def __getstate__(self):
        """What a copy is made of: all but `serve`, which would be the original's."""
        return {name: value for name, value in vars(self).items() if name != "serve"}


def output_names(spec) -> tuple[str, ...]:
    """The names of a network's raw heads, in their order.

    A YOLO's are those of its levels, as in `head_p5`, of stride 2 ** 5.
    """
    if spec.family == "yolo":
        return tuple(f"head_p{stride.bit_length() - 1}" for stride in spec.strides)
    return ("logits",) if spec.family == "segmentation" else ("deltas", "logits")
