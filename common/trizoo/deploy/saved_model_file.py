"""TensorFlow's SavedModels, and the notes in them."""

from trizoo.deploy.endings import NOTES
from trizoo.ground.files import write_atomically


def write(job, path):
    """Writes the folder of a `trizoo.deploy.targets.Job`."""
    metadata = job.metadata
    job.graph(
        job.size,
        path,
        dynamic_size=metadata.dynamic_size,
        batch=metadata.batch,
        half=metadata.precision == "fp16",
        kind=metadata.kind,
        thresholds=metadata.thresholds,
    )
    write_atomically(path / NOTES, metadata.to_json() + "\n")
