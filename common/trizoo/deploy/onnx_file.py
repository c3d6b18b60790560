"""ONNX files."""

import contextlib
import logging
import tempfile
from pathlib import Path

from trizoo.deploy.metadata import KEY
from trizoo.deploy.onnx_ends import add_boxes, add_mask, add_probabilities
from trizoo.ground.files import write_atomically

# what is worth the most in whole numbers; the rest is cheap, and exact where it stays as it is
QUANTIZED = ["Conv", "MatMul", "Gemm"]


def write(job, path):
    """Writes the file of a `trizoo.deploy.targets.Job`."""
    precision = job.metadata.precision
    network = make_network(job, half=precision == "fp16")
    if precision == "int8":
        network = _quantized(network, job)
    write_atomically(path, finished(network, job).SerializeToString())


def make_network(job, half=False):
    """The network alone, as onnx.ModelProto.

    Args:
        half: whether weights and arithmetic are in fp16
    """
    metadata = job.metadata
    return job.graph(job.size, dynamic_size=metadata.dynamic_size, batch=metadata.batch, half=half)


def finished(model, job):
    """The network with what its file ends in, and with its notes."""
    import onnx

    metadata = job.metadata
    if metadata.kind == "boxes":
        add_boxes(model, job.spec, metadata.thresholds, metadata.batch)
    elif metadata.kind == "mask":
        add_mask(model, metadata.batch, None if metadata.dynamic_size else job.size)
    elif metadata.kind == "probabilities":
        add_probabilities(model, job.spec, metadata.batch)
    model.producer_name, model.producer_version = KEY, metadata.trizoo
    model.graph.name = job.spec.name
    onnx.helper.set_model_props(model, {KEY: metadata.to_json()})
    onnx.checker.check_model(model)
    return model


def _quantized(model, job):
    """Convolutions in int8 by ONNX Runtime's static calibration, as pairs of QuantizeLinear and DequantizeLinear.

    The predicting convolutions at the ends stay as they are: their outputs are what boxes are made of, and their part
    of the time is small.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Images(CalibrationDataReader):
        """The calibration images, one at a time."""

        def __init__(self):
            self.left = iter(job.calibration)

        def get_next(self):
            image = next(self.left, None)
            return None if image is None else {"images": image}

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "network.onnx", Path(folder) / "quantized.onnx"
        onnx.save(model, source)
        with _quietly():
            quantize_static(
                source,
                target,
                Images(),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                op_types_to_quantize=QUANTIZED,
                nodes_to_exclude=last_convolutions(model),
            )
        return onnx.load(target)


@contextlib.contextmanager
def _quietly():
    """Without the advice to simplify the graph first, which the exporter has done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def last_convolutions(model):
    """Names of the convolutions behind which no other comes on the way to an output."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found, seen = set(), set()
    waiting = [output.name for output in model.graph.output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op_type == "Conv":
            found.add(node.name)
        else:
            waiting.extend(node.input)
    return sorted(found)
