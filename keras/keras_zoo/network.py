"""What all networks are: Keras models that know their spec, can be saved, and learn by the zoo's losses."""

import functools
from types import MappingProxyType

import keras
import numpy as np
from keras import ops

from keras_zoo import optimizers, weights  # noqa: F401, so that `load_model` knows optimizers
from keras_zoo.layers import finish, make_conv, set_dtype
from trizoo.families import FAMILIES, model_spec, spec_config
from trizoo.weights.initial import initial_arrays, is_unfilled, unfilled


class _Finished(type(keras.Model)):
    """The type of networks, which finishes each, with its initial weights, when its own `__init__` is done."""

    def __call__(cls, *arguments, **options):
        network = super().__call__(*arguments, **options)
        finish(network)
        if not is_unfilled():
            weights.assign(network, initial_arrays(weights.shapes(network), 0, network.spec))
        return network


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


class Adapters(keras.layers.Layer):
    """{stride: (B, H, W, C)} -> in training a tuple of (B, H, W, a teacher's C), otherwise an empty one.

    The regressors of Romero et al. 2015, section 2.2; they go when training ends.

    Args:
        own, wanted: stride -> channels of the student's features, and of the teacher's at the strides to learn
    """

    def __init__(self, own, wanted):
        super().__init__()
        self.strides = tuple(wanted)
        self.convs = [make_conv(own[stride], channels, 1) for stride, channels in wanted.items()]

    def call(self, features, training=None):
        if not training:
            return ()
        return tuple(conv(features[stride]) for conv, stride in zip(self.convs, self.strides, strict=True))


class Network(keras.Model, metaclass=_Finished):
    """uint8 (B, H, W, 3) -> a tuple of outputs, float32.

    A subclass has `normalize`, a `backbone`, {stride: features} of its output, and says the rest in `from_features`.

    It has its variables and initial weights (`trizoo.weights.initial`, of seed 0) from the start. Layers are named as
    canonical parameters are: `backbone.stages.0.down.conv`.
    `save` and `keras.saving.load_model` work on every backend, also from one to another, once `keras_zoo.families` is
    imported. `compile` takes the zoo's losses, and `fit` then what `pairs` yields.

    Args:
        spec: the ModelSpec that the network was built from, which also reads its heads
    """

    def __init__(self, spec):
        super().__init__(name=spec.name)
        self.spec = spec
        self.adapters = None  # not of the class, which on PyTorch would hide the network's own
        self.term_means = MappingProxyType({})

    def __init_subclass__(cls, **options):
        """Makes a network known to `keras.saving.load_model`, and its `call` as Keras's trainer wants it."""
        super().__init_subclass__(**options)
        keras.saving.register_keras_serializable(package="trizoo")(cls)
        if "call" in vars(cls):
            cls.call = _told_of_training(cls.call)

    @_told_of_training
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
        self._tracker.unlock()  # as Keras does to add LoRA's variables
        self.adapters = Adapters(self.backbone.channels, channels)
        self._tracker.lock()
        finish(self)

    def get_config(self):
        """What `from_config` makes an equal network of, but for its weights, as JSON."""
        return {**spec_config(self.spec), "dtype": self.dtype_policy.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        options = dict(config)
        dtype = options.pop("dtype")
        with unfilled():  # its weights come from the file
            network = cls(model_spec(**options))
        set_dtype(network, dtype)
        return network

    def build_from_config(self, config):
        """Nothing: the variables are there."""

    def compile(self, optimizer="rmsprop", loss=None, **options):
        """As Keras's.

        Args:
            loss: also one of `keras_zoo.losses`, whose terms become metrics of their names

        Raises:
            ValueError: for loss_weights beside such a loss
        """
        ours = hasattr(loss, "terms")
        if ours and options.get("loss_weights") is not None:
            raise ValueError(
                f"loss_weights is {options['loss_weights']!r}; the zoo's losses have gains for each term among their "
                f"options instead"
            )
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
        return {**config, "zoo_loss": self.loss.options.model_dump(mode="json")}

    def compile_from_config(self, config):
        """The inverse of `get_compile_config`; the optimizer has its variables."""
        config = keras.saving.deserialize_keras_object(config)
        options = config.pop("zoo_loss", None)
        if options is not None:
            kind = options["kind"]
            config["loss"] = _families()[kind].loss(self.spec, FAMILIES[kind].loss(**options))
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        """Keras's, and the mean of each of the loss's terms."""
        return [*super().metrics, *self.term_means.values()]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """What is differentiated. The terms leave the step as metrics: in JAX there is no other way out of it.

        Raises:
            ValueError: for sample_weight, and images of unknown height or width, where the loss is one of the zoo's
        """
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


def _families():
    """The package's table of families, which holds networks: it can't be imported before this module is."""
    from keras_zoo import families

    return families.FAMILIES


FILLERS = {"boxes": 0, "labels": 0, "positives": -1, "owners": 0}  # of targets as long as a batch's images need


def pairs(batches):
    """Yields (images, targets) of each Batch, or of each such pair, in the form that Keras's `fit` takes.

    Numbers become arrays of one. And the second batch is padded as for more boxes, since on TensorFlow a length that
    the first two have in common must be that of all.
    """
    for number, (images, targets, *_) in enumerate(batches):
        targets = {name: np.atleast_1d(array) for name, array in targets.items()}
        if number == 0:
            lengths = {name: targets[name].shape[1] for name in FILLERS if name in targets}
        elif number == 1:
            targets |= {name: _lengthened(targets[name], by, FILLERS[name]) for name, by in lengths.items()}
        yield images, targets


def _lengthened(array, by, filler):
    """(B, n, ...) -> (B, n + by, ...)."""
    return np.pad(array, [(0, 0), (0, by), *[(0, 0)] * (array.ndim - 2)], constant_values=filler)
