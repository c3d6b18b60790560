"""Changed files for every reader, and strange command lines: any bytes end in what they hold or in one sentence.

    tox -e fuzz                                                             # 20,000 inputs a reader
    python common/trizoo/tests/campaigns/fuzz.py "boxes: coco" .npz --inputs 500

Each input is a small data set, a file or a command line that was changed: bytes, words or, in JSON, values. It is read
as training reads it, in a process that may take 1 GiB more than it has, 5 CPU seconds an input, and no more than a
minute of any kind. Anything but what it holds or a UserError is printed and kept in --keep; the exit code is then 1.
"""

import json
import mmap
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

from trizoo.tests.campaigns.fuzz_changes import mutated
from trizoo.tests.campaigns.running import Findings, Process, arguments, scratch, table

SECONDS, MEMORY = 5, 1 << 30
STUCK = 60  # seconds without a next input, after which the process is killed
MOST_WRONG = 20  # of a reader, after which it is left


class SlowError(BaseException):
    """More CPU seconds than an input may take; no reader catches it."""


def readers():
    """Name -> function of an empty folder that writes files and gives (those to change, function that reads)."""
    from trizoo.tests.campaigns.fuzz_commands import COMMAND_LINES, commands_of
    from trizoo.tests.campaigns.fuzz_files import FILES
    from trizoo.tests.campaigns.fuzz_labels import CLASSES, POINTS, classes_of, gallery_list
    from trizoo.tests.campaigns.fuzz_sets import BOXES, MASKS, boxes_of, masks_of

    def single(make, read):
        def made(root):
            path = make(root)
            return [path], lambda: read(path)

        return made

    found = {name: single(*pair) for name, pair in FILES.items()}
    found |= {f"boxes: {layout}": lambda root, layout=layout: boxes_of(layout, root) for layout in BOXES}
    found |= {f"boxes: {layout}": lambda root, layout=layout: boxes_of(layout, root, POINTS) for layout in POINTS}
    found |= {f"classes: {layout}": lambda root, layout=layout: classes_of(layout, root) for layout in CLASSES}
    found["gallery, list"] = gallery_list
    found |= {f"masks: {layout}": lambda root, layout=layout: masks_of(layout, root) for layout in MASKS}
    return found | {f"trizoo {name}": lambda root, name=name: commands_of(name, root) for name in COMMAND_LINES}


def campaign(name, inputs, seed, root, progress):
    """Tries the inputs of one reader; {read, slowest in seconds, memory in MiB, wrong} goes to root/../result.json.

    Args:
        root: an empty folder; an input that went wrong is copied beside it
        progress: a cell for the number of the input
    """
    from trizoo.ground.errors import UserError

    warnings.simplefilter("error")
    rng, wrong, opened, slowest = random.Random(f"{name} {seed}"), [], 0, 0.0
    files, read = readers()[name](root)
    whole = {path: path.read_bytes() for path in files}
    read()  # what is to be changed can be read itself
    with Path("/proc/self/statm").open() as file:
        there = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (there + MEMORY, -1))
    signal.signal(signal.SIGPROF, _stop)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(inputs):
        progress[0] = number
        path = rng.choice(files)
        path.write_bytes(mutated(whole[path], rng))
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            read()
            opened += 1
        except UserError:
            pass
        except BaseException as error:
            signal.setitimer(signal.ITIMER_PROF, 0)
            last = traceback.extract_tb(error.__traceback__)[-1]
            wrong.append([number, f"{type(error).__name__} {error} ({last.filename}:{last.lineno})"])
            keep = root.parent / f"{number}"
            keep.mkdir()
            (keep / path.name).write_bytes(path.read_bytes())
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            slowest = max(slowest, time.process_time() - started)
            path.write_bytes(whole[path])
        if len(wrong) == MOST_WRONG:
            break
    most = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - taken) >> 10
    figures = {"inputs": number + 1, "read": opened, "slowest": slowest, "memory": most, "wrong": wrong}
    (root.parent / "result.json").write_text(json.dumps(figures))


def _stop(*_):
    raise SlowError(f"more than {SECONDS} CPU seconds")


class Running:
    """The campaign of one reader in a process of its own."""

    def __init__(self, name, inputs, seed, folder):
        self.name = name
        self.folder = folder
        self.cell = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")
        self.is_stuck = False
        self.seen, self.since = -1, time.monotonic()
        root = folder / "set"
        root.mkdir(parents=True)
        self.process = Process(lambda: campaign(name, inputs, seed, root, self.cell), folder / "out.txt")

    def is_over(self):
        """Whether it has ended; it is killed where it is stuck."""
        if self.cell[0] != self.seen:
            self.seen, self.since = self.cell[0], time.monotonic()
        elif time.monotonic() - self.since > STUCK:
            self.is_stuck = True
            self.process.kill()
        return self.process.is_over()

    def row(self, findings):
        """Its row of the table."""
        result = self.folder / "result.json"
        if not result.exists():
            what = "is stuck" if self.is_stuck else f"ended with {self.process.code}"
            findings.add(f"{self.name} {self.seen}", f"{what}: {self.process.text()[-400:]}", self.folder / "set")
            return (self.name, int(self.seen), "", "", "", "")
        figures = json.loads(result.read_text())
        for number, line in figures["wrong"]:
            findings.add(f"{self.name} {number}", line, self.folder / str(number))
        refused = figures["inputs"] - figures["read"] - len(figures["wrong"])
        slowest, memory = f"{figures['slowest']:.2f} s", f"{figures['memory']} MiB"
        return self.name, figures["inputs"], figures["read"], refused, slowest, memory


def main(given=None):
    """The command."""
    parser = arguments(__doc__, inputs=20_000, jobs=2)
    parser.add_argument("--seconds", type=int, default=1 << 30, metavar="N", help="no reader is begun after so many")
    parser.add_argument("readers", nargs="*", metavar="READER", help="by the table's names (all)")
    args = parser.parse_args(given)
    findings, rows, running = Findings(args.keep), {}, []
    waiting = list(args.readers or readers())
    names, end = list(waiting), time.monotonic() + args.seconds
    with scratch("fuzz") as temporary:
        os.environ["TRIZOO_HOME"] = f"{temporary}/home"
        try:
            while waiting or running:
                if waiting and len(running) < args.jobs and time.monotonic() < end:
                    name = waiting.pop(0)
                    folder = Path(temporary, str(len(rows) + len(running) + 1000 * len(waiting)))
                    running.append(Running(name, args.inputs, args.seed, folder))
                elif waiting and time.monotonic() >= end:
                    print(f"no time was left for {', '.join(waiting)}")
                    waiting = []
                for one in [one for one in running if one.is_over()]:
                    rows[one.name] = one.row(findings)
                    print(*rows[one.name], sep=" | ", flush=True)
                    running.remove(one)
                time.sleep(0.02)
        finally:
            for one in running:
                one.process.kill()
    head = ("reader", "inputs", "read", "refused", "slowest", "largest memory")
    table(head, *(rows[name] for name in names if name in rows))
    return findings.end()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended either way, it ends what it has begun
    sys.exit(main())
