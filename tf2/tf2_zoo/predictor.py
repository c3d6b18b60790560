"""A model for prediction: batch norms folded into convolutions, no gradients, one copy back."""

import copy

import tensorflow as tf

from tf2_zoo import weights
from tf2_zoo.blocks import ConvBlock
from tf2_zoo.families import make_network
from tf2_zoo.layers import named_modules
from tf2_zoo.memory import is_out_of_memory
from tf2_zoo.precision import set_precision
from tf2_zoo.replicas import is_spread, strategy_of
from tf2_zoo.shortlist import take_rows
from trizoo.families.base.shortlist import Shortlist
from trizoo.ground.memory import explain_out_of_memory
from trizoo.weights.initial import unfilled


def make_predictor(model, precision, device, shortlist=False):
    """A function uint8 (B, H, W, 3) -> outputs as float32 arrays; the model itself is not changed.

    Args:
        precision: "fp32", "bf16" or "fp16"
        shortlist: the function gives a Shortlist instead, where the model's spec ranks rows
    """
    model = _prepared(model, precision, device)

    @tf.function
    def run(images):
        heads = [tf.cast(head, tf.float32) for head in model(images)]
        ranking = model.spec.ranking(tuple(images.shape[2:0:-1])) if shortlist else None
        return heads, None if ranking is None else take_rows(model.spec, ranking, heads)

    def predict(images):
        with explain_out_of_memory(images, is_out_of_memory), tf.device(device):
            heads, taken = run(tf.constant(images))
            if taken is None:
                return _to_arrays(heads)
            rows, promises, below, *values = _to_arrays(taken)
            return Shortlist(rows, promises, below, values, lambda: _to_arrays(heads))

    return predict


def make_teacher(model, strides, precision, device):
    """A function uint8 (B, H, W, 3) -> outputs and features of these strides, float32, which stay on the device.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    model = _prepared(model, precision, device)

    @tf.function(reduce_retracing=True)
    def run(images):
        features = model.backbone(model.normalize(images))
        outputs = model.from_features(features, images)
        return [[tf.cast(x, tf.float32) for x in side] for side in (outputs, [features[s] for s in strides])]

    def teach(images):
        with explain_out_of_memory(images, is_out_of_memory), tf.device(device):
            return run(tf.constant(images))

    return teach


def _prepared(model, precision, device):
    """A copy of a model that predicts in a precision."""
    with tf.device(device):
        model = fold(_alone(model))
    set_precision(model, precision)
    return model


def _alone(model):
    """A copy of a model that belongs to one device of this process, whatever the model itself does."""
    if not is_spread(strategy_of(model)):
        return copy.deepcopy(model)
    with unfilled():
        twin = make_network(model.spec)
    wanted = weights.shapes(twin)
    weights.assign(twin, {name: array for name, array in weights.arrays(model).items() if name in wanted})
    return twin


def _to_arrays(tensors):
    """Tensors of any device as arrays."""
    return [tensor.numpy() for tensor in tensors]


def fold(model):
    """Merges each block's batch norm into its convolution, in place. The outputs stay the same but for rounding."""
    for _, module in list(named_modules(model)):
        if isinstance(module, ConvBlock) and module.norm == "batch":
            conv, bn = module.conv, module.bn
            factor = bn.weight / tf.sqrt(bn.running_var + bn.eps)
            conv.weight.assign(conv.weight * factor)
            conv.bias = tf.Variable(bn.bias - bn.running_mean * factor)
            module.bn = tf.identity
    return model
