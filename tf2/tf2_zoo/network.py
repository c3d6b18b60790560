"""What all networks have in common, among it a function to be served by."""

import functools

import tensorflow as tf

from tf2_zoo import weights
from tf2_zoo.layers import Conv2d, Module, is_training
from trizoo.families import ModelSpec, architecture
from trizoo.weights.initial import initial_arrays, is_unfilled


class _Filled(type(Module)):
    """The type of networks, which gives each its initial weights when its own `__init__` is done."""

    def __call__(cls, *arguments):
        network = super().__call__(*arguments)
        if not is_unfilled():
            weights.assign(network, initial_arrays(weights.shapes(network), 0, network.spec))
        return network


class Adapters(Module):
    """{stride: (B, H, W, C)} -> in training a tuple of (B, H, W, a teacher's C), otherwise an empty one.

    The regressors of Romero et al. 2015, section 2.2; they go when training ends.

    Args:
        own, wanted: stride -> channels of the student's features, and of the teacher's at the strides to learn
    """

    def __init__(self, own, wanted):
        super().__init__()
        self.strides = tuple(wanted)
        self.convs = [Conv2d(own[stride], channels, 1) for stride, channels in wanted.items()]

    def call(self, features):
        if not is_training():
            return ()
        return tuple(conv(features[stride]) for conv, stride in zip(self.convs, self.strides, strict=True))


class Network(Module, metaclass=_Filled):
    """uint8 (B, H, W, 3) -> a tuple of outputs, float, in training and otherwise alike.

    A subclass has `normalize`, a `backbone`, {stride: features} of its output, and says the rest in `from_features`.

    It has its initial weights by name (`trizoo.weights.initial`, of seed 0) from the start.
    `tf.saved_model.save(network, folder)` writes a SavedModel whose `serving_default` is `serve`.

    Args:
        spec: the ModelSpec that the network was built from, which also reads its heads
    """

    adapters = None

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec

    def call(self, images):
        features = self.backbone(self.normalize(images))
        outputs = self.from_features(features, images)
        return outputs if self.adapters is None else (*outputs, *self.adapters(features))

    def from_features(self, features, images):
        """The outputs, from the backbone's features of images."""
        raise NotImplementedError

    def add_adapters(self, channels):
        """Lets training give adapted features behind the outputs, see `Adapters`.

        Args:
            channels: stride -> channels of a teacher's features
        """
        self.adapters = Adapters(self.backbone.channels, channels)

    @functools.cached_property
    def serve(self) -> tf.types.experimental.GenericFunction:
        """A tf.function uint8 (B, H, W, 3) -> {name: output}, float32; B, H and W any that the network takes.

        By stored statistics, also while the network is trained. The names are `spec.output_names`.
        """
        width, height = architecture(self.spec.name).only_size or (None, None)
        images = tf.TensorSpec((None, height, width, 3), tf.uint8, name="images")
        return tf.function(self._serve, input_signature=[images])

    def _serve(self, images):
        heads = [tf.cast(head, tf.float32) for head in self(images, training=False)]
        return dict(zip(self.spec.output_names, heads, strict=True))

    def __getstate__(self):
        """What a copy is made of: all but `serve`, since a traced function can't be copied."""
        return {name: value for name, value in vars(self).items() if name != "serve"}
