"""What the campaigns share: command lines in processes of their own that are watched, and tables of what came of them.

A process is forked from one that has loaded the framework already, so that a start costs milliseconds.
"""

import io
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import suppress
from pathlib import Path

from trizoo.commands.cli import run_command
from trizoo.commands.main import main

NAP = 0.003  # seconds between two looks at a process


class Process:
    """A function, or a command line, in a process and a session of its own.

    Args:
        act: the function, or the command line's words
        output: the file that stdout and stderr go to
        before: called in the process first of all
    """

    def __init__(self, act, output, before=None):
        self.output = Path(output)
        self.code = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forking beside a thread that serves, which is meant
            self.pid = os.fork()
        if self.pid == 0:
            os._exit(_child(act, self.output, before))

    def is_over(self):
        """Whether it has ended; `code` is then its exit code, or less than 0 for the signal that ended it."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait(self, seconds):
        """Its exit code; None where it is killed, with what it started, after so many seconds."""
        return self.code if self.until(self.is_over, seconds) else self.kill()

    def wait_while_busy(self, seconds, idle):
        """`wait` by the CPU's clock, so that a busy machine ends nothing: seconds of it, or of any kind without any."""
        used, since = -1.0, time.monotonic()
        while not self.is_over():
            now = self.cpu_seconds()
            if now != used:
                used, since = now, time.monotonic()
            if used > seconds or time.monotonic() - since > idle:
                return self.kill()
            time.sleep(NAP)
        return self.code

    def until(self, arrived, seconds):
        """Waits until `arrived()`, or the process's end, or for so many seconds -> whether it came to either."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if arrived() or self.is_over():
                return True
            time.sleep(NAP)
        return False

    def send(self, number):
        """A signal to it alone."""
        if not self.is_over():
            os.kill(self.pid, number)

    def kill(self):
        """Ends it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def cpu_seconds(self):
        """CPU seconds so far, 0 after its end."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def text(self):
        """What it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")


def _child(act, output, before):
    code = 1
    try:
        os.setsid()
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8") for number in (1, 2))
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if before is not None:
            before()
        if callable(act):
            act()
            code = 0
        else:
            run_command(lambda: main(list(act)))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
    return code


def scratch(name):
    """A temporary folder, in memory where the machine has a place for it: a busy disk takes a third of the time."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix=f"trizoo-{name}-", dir=place)


class Findings:
    """What went wrong: lines, and the folders of each, kept. Without any the exit code is 0."""

    def __init__(self, keep):
        self.keep = Path(keep)
        self.lines = []

    def add(self, name, line, folder=None):
        """One of them, by a name that a folder may have."""
        self.lines.append(f"{name}: {line}"[:600])
        print(f"WRONG {self.lines[-1]}", flush=True)
        if folder is not None:
            shutil.copytree(folder, self.keep / name.replace(" ", "-"), dirs_exist_ok=True, symlinks=True)

    def end(self):
        """The last line, and the exit code."""
        print(f"{len(self.lines)} went wrong" + (f"; kept in {self.keep}" if self.lines else ""))
        return int(bool(self.lines))


def table(*rows):
    """Rows of Markdown, the first of them its head, printed."""
    head, *others = [
        f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in row)} |" for row in rows
    ]
    print("\n".join([head, "|" + " --- |" * len(rows[0]), *others]), flush=True)


def arguments(about, **counts):
    """The parser of a campaign, with a seed, a folder for findings, and a flag for each count, by its default."""
    parser = ArgumentParser(description=about, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", default="campaign-findings", metavar="DIR", help="where what went wrong is kept")
    for name, default in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help="(%(default)s)")
    return parser
