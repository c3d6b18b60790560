"""LiteRT's sessions, which read TFLite files."""

import threading
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.stderr import without_remarks


def version():
    """LiteRT's."""
    import ai_edge_litert

    return ai_edge_litert.__version__


def devices():
    """What it runs on here."""
    return ["cpu"]


def start(path, device, threads):
    """See `trizoo.deploy.runtimes.Runtime`."""
    from ai_edge_litert.interpreter import Interpreter

    with without_remarks():
        interpreter = Interpreter(model_content=Path(path).read_bytes(), num_threads=threads)
        interpreter.allocate_tensors()
        runner = interpreter.get_signature_runner()
    one_at_a_time = threading.Lock()  # an interpreter has one place for its arrays

    def run(images, names, numbers):
        if numbers:
            raise UserError(f"{path} keeps the thresholds that it was exported with; leave them out")
        with one_at_a_time:
            found = runner(images=images)
            return [found[name].copy() for name in names]

    return run
