"""TFLite files, and the notes beside them."""

from pathlib import Path

from trizoo.ground.files import write_atomically


def write(job, path):
    """Writes the .tflite and the .json of a `trizoo.deploy.targets.Job`."""
    metadata = job.metadata
    content = job.graph(
        job.size,
        batch=metadata.batch,
        half=metadata.precision == "fp16",
        kind=metadata.kind,
        thresholds=metadata.thresholds,
        calibration=job.calibration,
    )
    write_atomically(path, content)
    write_atomically(Path(path).with_suffix(".json"), metadata.to_json() + "\n")
