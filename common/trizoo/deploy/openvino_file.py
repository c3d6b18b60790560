"""OpenVINO's files, made of the ONNX graph."""

import logging
import tempfile
from pathlib import Path

from trizoo.deploy.metadata import KEY
from trizoo.deploy.onnx_ends import PREFIX
from trizoo.deploy.onnx_file import finished, last_convolutions, make_network
from trizoo.deploy.openvino_runtime import load


def write(job, path):
    """Writes the .xml and the .bin of a `trizoo.deploy.targets.Job`."""
    import onnx

    openvino = load()
    network = make_network(job)
    last = last_convolutions(network)
    with tempfile.TemporaryDirectory() as folder:  # by way of a file: OpenVINO reads no model in memory without a path
        source = Path(folder) / "model.onnx"
        onnx.save(finished(network, job), source)
        model = openvino.Core().read_model(source)
    if job.metadata.precision == "int8":
        model = _quantized(model, job, last)
    model.set_rt_info(job.metadata.to_json(), [KEY])
    openvino.save_model(model, path, compress_to_fp16=job.metadata.precision == "fp16")


def _quantized(model, job, last):
    """Convolutions in int8 by NNCF's post-training quantisation; what decodes stays as it is.

    Args:
        last: names of the predicting convolutions, which stay too
    """
    import nncf

    names = {node.get_friendly_name() for node in model.get_ordered_ops()}
    ignored = nncf.IgnoredScope(names=sorted(names & set(last)), patterns=[f"{PREFIX}.*"], validate=False)
    nncf.set_log_level(logging.ERROR)  # it says what it leaves alone, node by node
    images = nncf.Dataset(job.calibration, lambda image: {"images": image})
    return nncf.quantize(model, images, subset_size=len(job.calibration), ignored_scope=ignored)
