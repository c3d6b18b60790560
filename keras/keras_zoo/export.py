"""Networks as Keras files: models whose outputs have their names."""

import keras


@keras.saving.register_keras_serializable(package="trizoo")
class Exported(keras.Model):
    """uint8 (B, H, W, 3) -> {name of an output: float32}; `keras.saving.load_model` knows it by this module.

    Args:
        network: a `keras_zoo.network.Network`
    """

    def __init__(self, network):
        super().__init__(name="exported")
        self.network = network
        self.built = True  # the network has its variables

    def call(self, images, training=None):
        outputs = self.network(images, training=training)
        return dict(zip(self.network.spec.output_names, outputs, strict=True))

    def get_config(self):
        """The network's."""
        return {"network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        return cls(keras.saving.deserialize_keras_object(config["network"], custom_objects))

    def build_from_config(self, config):
        """Nothing: the variables are there."""


def to_keras(model, size):
    """A network as an `Exported`, which takes images of any size that the network does.

    Args:
        size: (width, height), which the file's notes keep
    """
    return Exported(model)
