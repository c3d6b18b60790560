"""A round of faults.py: its folder, training in a process, and what is wrong with how a process ended."""

import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from trizoo.tests.campaigns.kill import result
from trizoo.tests.campaigns.running import Process

LONGEST = 900  # seconds for one process on a busy machine
TRAIN = (
    "--model",
    "yolov3-tiny",
    "--input-size",
    "64",
    "--batch-size",
    "2",
    "--epochs",
    "2",
    "--workers",
    "0",
    "--quiet",
)


class Place:
    """A folder for one round, and what the rounds share.

    Args:
        folder: the campaign's, with a data set in `set`
    """

    def __init__(self, folder, rng):
        self.folder, self.rng = folder, rng
        self.data = folder / "set"
        self.at = Path(tempfile.mkdtemp(dir=folder))
        self.run = self.at / "run"
        self.reference = folder / "reference"

    def train(self, *words, before=None, data=None):
        """Training, begun in a process; with words it resumes."""
        given = words or ("--data", str(data or self.data), "--out", str(self.run), *TRAIN)
        return self.start(lambda: train_fake(given), before)

    def start(self, act, before=None):
        """A process of this round."""
        return Process(act, self.at / f"out{len(list(self.at.iterdir()))}.txt", before)

    def goes_on(self):
        """What is wrong with the run once it is resumed, or begun anew; None where nothing is."""
        again = ("--resume", str(self.run), "--workers", "0", "--quiet") if (self.run / "last.h5").exists() else ()
        process = self.train(*again)
        if process.wait(LONGEST) != 0:
            return f"then {process.code}: {process.text()[-300:]}"
        got, expected = result(self.run), result(self.reference)
        different = [part for part in expected if got[part] != expected[part]]
        return f"{', '.join(different)} differ" if different else None


def train_fake(words):
    from trizoo.commands.cli import run_command
    from trizoo.commands.train import train
    from trizoo.tests.testing import FakeFramework
    from trizoo.training.workers import batches

    class Loading(FakeFramework):
        """With the loader of TensorFlow and Keras."""

        def loader(self, dataset, plans, workers, device):
            return batches(dataset, plans, workers)

    run_command(lambda: train(Loading(), list(words)))


def ended_well(process, codes=(0, 2)):
    """What is wrong with how a process ended, None where nothing is."""
    code, text = process.wait(LONGEST), process.text()
    if code is None:
        return "hung"
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    if code not in codes or "Traceback" in text or (code == 2 and len(errors) != 1):
        return f"ended with {code}: {text[-400:]}"
    return None


def limited(act, most):
    """Does it while no file may have more than so many bytes, but for what it prints."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as printing:
        for number in (1, 2):
            os.dup2(printing.stdin.fileno(), number)
        sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(number, "w", closefd=False)) for number in (1, 2))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        try:
            act()
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number in (1, 2):
                os.close(number)
