"""A file written, checked against the framework, and only then put in its place."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from trizoo.deploy.check import Difference, compare
from trizoo.deploy.images import check_batches, other_size
from trizoo.deploy.runtimes import Opened, read_notes


@dataclass(frozen=True)
class Written:
    """What came of an export.

    Args:
        opened: the file, ready for images
        difference: from the framework
        images: what it was checked on, in words
        seconds: that writing took
        size: bytes of all its files
    """

    opened: Opened
    difference: Difference
    images: str
    seconds: float
    size: int


def write(target, job, out, recipe, predict):
    """Writes a `Job` and holds it against the framework: a `Written`. Where that is a breach nothing is at its place.

    Args:
        target: a `trizoo.deploy.targets.Target`
        out: the file's path
        recipe: the checkpoint's, which names its images
        predict: the framework's predictor, in fp32
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".trizoo-") as folder:
        written = Path(folder) / f"model{target.ending}"
        target.write(job, written)
        seconds = time.monotonic() - started
        opened = read_notes(written).open()
        other = other_size(job.spec, job.size) if job.metadata.dynamic_size else None
        batches, images = check_batches(recipe, job.size, other)
        difference = compare(opened, predict, batches)
        files = list(zip(target.files(written), target.files(out), strict=True))
        parts = (part for path, _ in files for part in (path, *path.rglob("*")))
        size = sum(part.stat().st_size for part in parts if part.is_file())
        if not difference.breach():
            for path, place in files[::-1]:  # the one that is opened comes last
                if path.is_dir() and place.is_dir():  # an earlier export, which goes with the temporary folder
                    place.replace(Path(folder) / "earlier")
                path.replace(place)
    return Written(opened, difference, images, seconds, size)
