"""TFLite files, and the notes beside them."""

from pathlib import Path

from trizoo.ground.files import write_atomically


def write(job, path):
    """Writes the .tflite and the .json of a `trizoo.deploy.targets.Job`."""
    metadata = job.metadata
    options = {"batch": metadata.batch, "half": metadata.precision == "fp16"}
    write_atomically(path, job.graph(job.size, **options))
    write_atomically(Path(path).with_suffix(".json"), metadata.to_json() + "\n")
