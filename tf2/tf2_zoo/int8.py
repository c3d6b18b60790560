"""TFLite in int8: the convolutions and what lies between them, with all behind the last ones as it is."""

import warnings

import numpy as np
import tensorflow as tf

_CONV_2D, _DEPTHWISE_CONV_2D, _PADV2 = 3, 4, 60  # of BuiltinOperator in TFLite's schema
_CONVOLUTIONS = {_CONV_2D, _DEPTHWISE_CONV_2D}


def quantized(converter, images, batch):
    """A TFLite file's bytes, quantised after training by TFLite's own means.

    The predicting convolutions and decoding stay in float32, as of the other targets: boxes are made of them, and their
    part of the time is small.

    Args:
        converter: a TFLiteConverter, with nothing set
        images: uint8 (1, H, W, 3) each, whose activations are measured
        batch: images at once
    """
    from tensorflow.lite.tools import flatbuffer_utils  # here, since nothing else needs it

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.repeat(image, batch, axis=0)] for image in images)
    tools = tf.lite.experimental
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the tools' own interpreter is old
        debugger = tools.QuantizationDebugger(converter=converter, debug_options=tools.QuantizationDebugOptions())
        model = flatbuffer_utils.convert_bytearray_to_object(debugger.calibrated_model)
        last = _without_ranges_behind(model)
        debugger.calibrated_model = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        debugger.options = tools.QuantizationDebugOptions(denylisted_nodes=last)
        return debugger.get_nondebug_quantized_model()


def _without_ranges_behind(model):
    """Names of what the last convolutions and all operations behind them give.

    Of these the ranges go, so that nothing is quantised there. Where a pooling pads with minus infinity, the least
    value that there is does the same and leaves room for the others.

    Args:
        model: a TFLite file's ModelT, which is changed
    """
    (graph,) = model.subgraphs
    kinds = [model.operatorCodes[operation.opcodeIndex].builtinCode for operation in graph.operators]
    users = {}  # tensor -> the operations that take it
    for place, operation in enumerate(graph.operators):
        for tensor in operation.inputs:
            users.setdefault(tensor, []).append(place)
    last, leads_to_one = [], {}
    for place in reversed(range(len(kinds))):  # an operation's users come behind it
        outputs = graph.operators[place].outputs
        following = [user for tensor in outputs for user in users.get(tensor, ())]
        leads_to_one[place] = any(kinds[user] in _CONVOLUTIONS or leads_to_one[user] for user in following)
        if not leads_to_one[place]:
            last += [graph.tensors[tensor] for tensor in outputs]
    for tensor in last:
        tensor.quantization = None
    for kind, operation in zip(kinds, graph.operators, strict=True):
        if kind == _PADV2:
            source, _, value = (graph.tensors[tensor] for tensor in operation.inputs)
            graph.tensors[operation.outputs[0]].quantization = source.quantization
            model.buffers[value.buffer].data = np.frombuffer(np.float32(source.quantization.min[0]).tobytes(), np.uint8)
    return [tensor.name.decode() for tensor in last]
