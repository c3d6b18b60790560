"""ONNX Runtime's sessions."""

from pathlib import Path

import numpy as np

_ERRORS_ALONE = 3


def version():
    """ONNX Runtime's."""
    import onnxruntime

    return onnxruntime.__version__


def devices():
    """What it runs on."""
    import onnxruntime

    return ["cpu", "cuda"] if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else ["cpu"]


def start(path, device, threads):
    """See `trizoo.deploy.runtimes.Runtime`. From bytes, so that no other file is opened that a graph may name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ALONE
    cpu = "CPUExecutionProvider"
    providers = ["CUDAExecutionProvider", cpu] if device == "cuda" else [cpu]
    session = onnxruntime.InferenceSession(
        Path(path).read_bytes(),
        options,
        providers=providers,
        enable_fallback=0,  # which would print, and try the same again
    )
    of_run = onnxruntime.RunOptions()
    of_run.only_execute_path_to_fetches = True  # boxes cost nothing where raw outputs are asked for
    of_run.log_severity_level = _ERRORS_ALONE
    kinds = {known.name: known.type for known in session.get_overridable_initializers()}

    def run(images, names, numbers):
        given = {
            name: np.array(number, np.int64 if kinds[name] == "tensor(int64)" else np.float32)
            for name, number in numbers.items()
        }
        return session.run(list(names), {"images": images, **given}, of_run)

    return run
