"""What all networks are: Keras models that know their spec, can be saved, and learn by the zoo's losses."""

import functools
from types import MappingProxyType

import keras
import numpy as np
from keras import ops

from keras_zoo.layers import finish, set_dtype
from trizoo.families import FAMILIES, model_spec, spec_config


class _Finished(type(keras.Model)):
    """The type of networks, which finishes each when its own `__init__` is done."""

    def __call__(cls, *arguments, **options):
        network = super().__call__(*arguments, **options)
        finish(network)
        return network


class Network(keras.Model, metaclass=_Finished):
    """uint8 (B, H, W, 3) -> a tuple of raw heads, float32; a subclass says in `call` how.

    It has its variables from the start. Layers are named as canonical parameters are: `backbone.stages.0.down.conv`.
    `save` and `keras.saving.load_model` work on every backend, also from one to another, once `keras_zoo.models` is
    imported. `compile` takes the zoo's losses, and `fit` then what `pairs` yields.

    spec: the ModelSpec that the network was built from, which also reads its heads
    """

    def __init__(self, spec):
        super().__init__(name=spec.name)
        self.spec = spec
        self.term_means = MappingProxyType({})

    def __init_subclass__(cls, **options):
        """Makes a network known to `keras.saving.load_model`, and its `call` as Keras's trainer wants it."""
        super().__init_subclass__(**options)
        keras.saving.register_keras_serializable(package="trizoo")(cls)
        if "call" in vars(cls):
            cls.call = _told_of_training(cls.call)

    def get_config(self):
        """What `from_config` makes an equal network of, but for its weights, as JSON."""
        return {**spec_config(self.spec), "dtype": self.dtype_policy.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        options = dict(config)
        dtype = options.pop("dtype")
        network = cls(model_spec(**options))
        set_dtype(network, dtype)
        return network

    def build_from_config(self, config):
        """Nothing: the variables are there."""

    def compile(self, optimizer="rmsprop", loss=None, **options):
        """As Keras's; loss: also one of `keras_zoo.losses`, whose terms become metrics of their names."""
        ours = hasattr(loss, "terms")
        super().compile(optimizer, None if ours else loss, **options)
        terms = ()
        if ours:
            self.loss, terms = loss, loss.terms
        # a mapping that Keras doesn't track: a loss that is compiled later has other terms
        self.term_means = MappingProxyType({name: keras.metrics.Mean(name=name) for name in terms})

    def get_compile_config(self):
        """As Keras's, of one of the zoo's losses its options; nothing where the loss is of another class with terms."""
        config = super().get_compile_config()
        if not self.term_means:
            return config
        if type(self.loss) not in [family.loss for family in _families().values()]:
            return {}
        return {**config, "loss": self.loss.options.model_dump(mode="json")}

    def compile_from_config(self, config):
        """The inverse of `get_compile_config`; the optimizer has its variables."""
        config = keras.saving.deserialize_keras_object(config)
        if isinstance(config["loss"], dict):
            kind = config["loss"]["kind"]
            config["loss"] = _families()[kind].loss(self.spec, FAMILIES[kind].loss(**config["loss"]))
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        """Keras's, and the mean of each of the loss's terms."""
        return [*super().metrics, *self.term_means.values()]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """What is differentiated. The terms leave the step as metrics: in JAX there is no other way out of it."""
        if not self.term_means:
            return super().compute_loss(x, y, y_pred, sample_weight)
        if sample_weight is not None:
            raise ValueError("sample_weight was given; the zoo's losses have no place for it, so None is needed")
        height, width = x.shape[1:3]
        if height is None or width is None:
            raise ValueError(
                f"images have the shape {tuple(x.shape)} here; the loss needs to know height and width, which on "
                f"TensorFlow it does where all batches of a `fit` have the same"
            )
        # targets that are numbers may have come as arrays of one, see `pairs`
        terms = {name: ops.reshape(term, ()) for name, term in self.loss(y_pred, y, (width, height)).items()}
        for name, mean in self.term_means.items():
            mean.update_state(terms[name], sample_weight=ops.shape(x)[0])  # by which Keras weighs the loss too
        return terms["loss"]


class _Phase(keras.layers.Layer):
    """Calls a function of images, as a layer: all layers that the function calls know whether this is training."""

    def call(self, images, function, training=None):
        return function(images)


_PHASE = _Phase(autocast=False, name="phase")


def _told_of_training(call):
    """A network's `call(images)` with `training`, of which all its layers learn.

    Keras tells of it only a `call` that has the argument. On JAX it calls that without the `__call__` around it, which
    would pass it on.
    """

    def told(self, images, training=None):
        return _PHASE(images, function=functools.partial(call, self), training=training)

    return told


def _families():
    """The package's table of families, which holds networks: it can't be imported before this module is."""
    from keras_zoo import families

    return families.FAMILIES


def pairs(batches):
    """Yields (images, targets) of each Batch, as `Network.fit` takes them: with numbers as arrays of one."""
    for batch in batches:
        yield batch.images, {name: np.atleast_1d(array) for name, array in batch.targets.items()}
