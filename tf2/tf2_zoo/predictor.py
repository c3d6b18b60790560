"""A model for prediction: batch norms folded into convolutions, no gradients, one copy back."""

import copy

import tensorflow as tf

from tf2_zoo.blocks import ConvBlock
from tf2_zoo.layers import named_modules
from tf2_zoo.memory import is_out_of_memory
from tf2_zoo.precision import set_precision
from trizoo.ground.memory import explain_out_of_memory


def make_predictor(model, precision, device):
    """A function uint8 (B, H, W, 3) -> outputs as float32 arrays; the model itself is not changed.

    Args:
        precision: "fp32", "bf16" or "fp16"
    """
    with tf.device(device):
        model = fold(copy.deepcopy(model))
    set_precision(model, precision)
    run = tf.function(lambda images: [tf.cast(head, tf.float32) for head in model(images)])

    def predict(images):
        with explain_out_of_memory(images, is_out_of_memory), tf.device(device):
            return [head.numpy() for head in run(tf.constant(images))]

    return predict


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
