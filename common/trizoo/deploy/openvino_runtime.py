"""OpenVINO's sessions."""

import sys

from trizoo.ground.errors import UserError

HINTS = {"fp32": "f32", "bf16": "bf16"}


def load():
    """The openvino module, and NNCF after it, without what tells their makers of each use.

    Both do without that library where it isn't installed, and so it seems to them.
    """
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


def version():
    """OpenVINO's, without its build."""
    return load().__version__.partition("-")[0]


def devices():
    """What it runs on here."""
    return ["cpu"]


def start(path, device, threads, precision="fp32"):
    """See `trizoo.deploy.runtimes.Runtime`. Thresholds are the file's own: OpenVINO makes constants of them."""
    openvino = load()
    core = openvino.Core()
    model = core.read_model(path)
    compiled = {}
    # said each time: bfloat16 is used otherwise where a CPU has it, and answers would differ from machine to machine
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": HINTS[precision]}

    def run(images, names, numbers):
        if numbers:
            raise UserError(f"{path} keeps the thresholds that it was exported with; leave them out")
        names = tuple(names)
        if names not in compiled:  # of these outputs alone, since all that a model has are computed
            part = openvino.Model([model.output(name) for name in names], model.get_parameters())
            compiled[names] = core.compile_model(part, "CPU", options)
        found = compiled[names].create_infer_request().infer({"images": images})  # one a call: threads may share it
        return [found[place].copy() for place in range(len(names))]

    return run
