"""A model for prediction: batch norms folded into convolutions, no gradients, one copy back."""

import weakref

import keras
import numpy as np
from keras import ops

from keras_zoo import weights
from keras_zoo.blocks import ConvBlock
from keras_zoo.layers import named_layers
from keras_zoo.memory import is_out_of_memory
from keras_zoo.precision import set_precision
from keras_zoo.shortlist import take_rows
from trizoo.families.base.shortlist import Shortlist
from trizoo.ground.memory import explain_out_of_memory
from trizoo.weights.checkpoint import lasting
from trizoo.weights.initial import unfilled

_SHAPES = 4  # of batches whose rows are chosen on the device: each is compiled, for seconds
_TWINS = weakref.WeakKeyDictionary()  # model -> {(precision, device): its _Twin}, which lives as long as the model


def make_predictor(model, precision, device, shortlist=False):
    """A function uint8 (B, H, W, 3) -> outputs as float32 arrays; the model itself is not changed.

    Args:
        precision: "fp32", "bf16" or "fp16"
        shortlist: the function gives a Shortlist instead, where the model's spec ranks rows; no more once one wasn't
            enough, since the whole outputs then take the network a second time
    """
    twins = _TWINS.setdefault(model, {})
    if (precision, device) not in twins:
        twins[precision, device] = _Twin(model, precision, device)
    twin, arrays = twins[precision, device], fold(model)

    def predict(images):
        with explain_out_of_memory(images, is_out_of_memory):
            wanted = shortlist and twin.has_room(images.shape)
            ranking = model.spec.ranking(images.shape[2:0:-1]) if wanted else None
            if ranking is None:
                return twin(arrays, images)
            rows, promises, below, *values = twin(arrays, images, ranking)
            return Shortlist(rows, promises, below, values, lambda: whole(images))

    def whole(images):
        nonlocal shortlist
        shortlist = False
        return twin(arrays, images)

    return predict


def make_teacher(model, strides, precision, device):
    """A function uint8 (B, H, W, 3) -> outputs and features of these strides, float32.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    twin, arrays = _Twin(model, precision, device), fold(model)
    with keras.device(device):
        weights.assign(twin.model, arrays)
        taught = _compiled(_Teaching(twin.model, strides))

    def teach(images):
        with explain_out_of_memory(images, is_out_of_memory), keras.device(device):
            return [[np.asarray(x, np.float32) for x in side] for side in taught.predict_on_batch(images)]

    return teach


class _Teaching(keras.Model):
    """A network that gives its features, too."""

    def __init__(self, network, strides):
        super().__init__(name="teaching")
        self.network, self.strides = network, strides

    def call(self, images):
        """The outputs, and the features of the strides."""
        network = self.network
        features = network.backbone(network.normalize(images))
        outputs = network.from_features(features, images)
        return list(outputs), [ops.cast(features[stride], "float32") for stride in self.strides]


class _Twin:
    """A copy of a model, compiled once for all its predictors: seconds, where each evaluation has a new one."""

    def __init__(self, model, precision, device):
        self.device = device
        self.arrays = None
        self.shortened = {}  # shape of a batch: the model that ends in `take_rows`
        with keras.device(device), unfilled():
            self.model = _compiled(type(model)(model.spec))
        set_precision(self.model, precision)
        for _, layer in named_layers(self.model):
            if isinstance(layer, ConvBlock) and layer.norm == "batch":
                layer.bn.folded = True

    def has_room(self, shape):
        """Whether batches of this shape have a compiled model of their own, or may have."""
        return shape in self.shortened or len(self.shortened) < _SHAPES

    def __call__(self, arrays, images, ranking=None):
        """The outputs of images, with these of `fold` as weights; what `take_rows` gives of them by a ranking."""
        with keras.device(self.device):
            model = self.model
            if ranking is not None:
                model = self.shortened.get(images.shape)
            if model is None:
                model = self.shortened[images.shape] = _compiled(_Shortened(self.model, ranking))
            if self.arrays is not arrays:
                weights.assign(self.model, arrays)
                self.arrays = arrays
            return [np.asarray(head) for head in model.predict_on_batch(images)]


class _Shortened(keras.Model):
    """A network that ends in `take_rows`, for batches of one shape."""

    def __init__(self, network, ranking):
        super().__init__(name="shortened")
        self.network, self.ranking = network, ranking

    def call(self, images):
        """See `keras_zoo.shortlist.take_rows`."""
        return take_rows(self.network.spec, self.ranking, self.network(images))


def _compiled(model):
    """The model, ready for `predict_on_batch`."""
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return model


def fold(model):
    """The model's arrays with each batch norm merged into its block's convolution, all but the shift.

    With them, and `BatchNorm.folded`, the outputs stay the same but for rounding.
    """
    arrays = lasting(weights.arrays(model))
    for name, layer in named_layers(model):
        if isinstance(layer, ConvBlock) and layer.norm == "batch":
            weight, bias, mean, variance = (
                arrays[f"{name}.bn.{leaf}"] for leaf in ("weight", "bias", "running_mean", "running_var")
            )
            factor = weight / np.sqrt(variance + layer.bn.eps)
            arrays[f"{name}.conv.weight"] *= factor[:, None, None, None]
            arrays[f"{name}.bn.bias"] = bias - mean * factor
    return arrays
