"""Networks as Keras files: models that give boxes, a mask or probabilities before the network's outputs."""

import keras
from keras import ops

from keras_zoo.ends import find_boxes, likeliest
from trizoo.deploy.metadata import Thresholds


@keras.saving.register_keras_serializable(package="trizoo")
class Exported(keras.Model):
    """uint8 (B, H, W, 3) -> {name of an output: tensor}; `keras.saving.load_model` knows it by this module.

    Args:
        network: a `keras_zoo.network.Network`
        kind: what comes before the network's own outputs: "boxes", "mask", "probabilities", or "raw" for nothing
        thresholds: of boxes: confidence, nms and max_detections
    """

    def __init__(self, network, kind="raw", thresholds=None):
        super().__init__(name="exported")
        self.network = network
        self.kind = kind
        self.thresholds = thresholds
        self.built = True  # the network has its variables

    def call(self, images, training=None):
        spec = self.network.spec
        outputs = dict(zip(spec.output_names, self.network(images, training=training), strict=True))
        if self.kind == "mask":
            return {"mask": likeliest(*outputs.values()), **outputs}
        if self.kind == "probabilities":
            return {"probabilities": (ops.softmax if spec.exclusive else ops.sigmoid)(*outputs.values()), **outputs}
        if self.kind == "raw":
            return outputs
        _, height, width, _ = ops.shape(images)
        return find_boxes(spec, list(outputs.values()), (width, height), Thresholds(**self.thresholds)) | outputs

    def get_config(self):
        """The network's, and what comes before its outputs."""
        network = keras.saving.serialize_keras_object(self.network)
        return {"network": network, "kind": self.kind, "thresholds": self.thresholds}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        network = keras.saving.deserialize_keras_object(config.pop("network"), custom_objects)
        return cls(network, **config)

    def build_from_config(self, config):
        """Nothing: the variables are there."""


def to_keras(model, size, kind="raw", thresholds=None):
    """A network as an `Exported`, which takes images of any size that the network does.

    Args:
        size: (width, height), which the file's notes keep
        kind, thresholds: see `Exported`; a `trizoo.deploy.metadata.Thresholds`
    """
    return Exported(model, kind, thresholds.model_dump() if thresholds else None)
