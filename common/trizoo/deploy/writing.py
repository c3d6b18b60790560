"""A file written, checked against the framework, and only then put in its place."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from trizoo.deploy.check import Difference, compare
from trizoo.deploy.images import check_batches, other_size
from trizoo.deploy.runtimes import Opened, read_notes
from trizoo.ground.errors import UserError
from trizoo.ground.files import remove_left, temporary_folder_beside
from trizoo.ground.lock import HeldError, Lock


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

    What killed exports left beside it goes first. Raises UserError at once where another process writes that file.

    Args:
        target: a `trizoo.deploy.targets.Target`
        out: the file's path
        recipe: the checkpoint's, which names its images
        predict: the framework's predictor, in fp32
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    remove_left(out.parent)
    started = time.monotonic()
    with _held(out), temporary_folder_beside(out) as folder:
        written = folder / f"model{target.ending}"
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
                    place.replace(folder / "earlier")
                path.replace(place)
    return Written(opened, difference, images, seconds, size)


@contextlib.contextmanager
def _held(out):
    """While it lasts, no other process exports to a path. Where the file system has no locks, nothing is held."""
    try:
        lock = Lock(out.with_name(f".{out.name[:60]}.lock"))
    except HeldError as error:
        raise UserError(f"{out} is being written by {error}; wait for its end, or name another --out") from None
    try:
        yield
    finally:
        lock.release()
