"""An export of a text, which takes as long as one likes and is compared with nothing."""

import time
from types import SimpleNamespace
from unittest.mock import patch

from trizoo.deploy import writing


def export(out, text, seconds=0.0, meanwhile=lambda: None):
    """Writes it by `trizoo.deploy.writing.write` -> Written.

    Args:
        meanwhile: called while it is written
    """

    def written(job, path):
        time.sleep(seconds)
        meanwhile()
        path.write_text(text)

    target = SimpleNamespace(ending=".onnx", write=written, files=lambda path: [path])
    job = SimpleNamespace(metadata=SimpleNamespace(dynamic_size=False), size=(8, 8), spec=None)
    opened = SimpleNamespace(open=lambda: None)
    with (
        patch.object(writing, "read_notes", lambda path: opened),
        patch.object(writing, "check_batches", lambda *_: ([], "no images")),
        patch.object(writing, "compare", lambda *_: SimpleNamespace(breach=lambda: False)),
    ):
        return writing.write(target, job, out, None, None)
