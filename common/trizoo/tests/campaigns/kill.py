"""Runs and downloads that are killed at random moments, and go on: to the last bit what they are without.

    tox -e kill                                                    # 50 moments in each framework, and of downloads
    python common/trizoo/tests/campaigns/kill.py pytorch --moments 9

A third of the moments is a share of the run's CPU seconds, a third lies within one of its checkpoints, a third within
one of its evaluations; SIGKILL, SIGTERM and SIGINT take turns. The run is then resumed, or begun anew where it hadn't
written last.h5 yet. Weights, averages, optimiser, metrics and the log's epochs are held against a run that was let be.
"""

import hashlib
import json
import mmap
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from trizoo.tests.campaigns.running import Findings, Process, arguments, table

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KINDS = ("any", "checkpoint", "evaluation")
PHASES = ("start", "steps", "checkpoint", "evaluation", "end")
LONGEST = 3600  # seconds to a moment on a busy machine
BUSY, IDLE = 300, 300  # seconds of the CPU for one process, and of any kind in which it does nothing: it hangs
TRAIN = (
    *("--model", "yolov3-tiny", "--input-size", "32", "--batch-size", "2", "--epochs", "2"),
    *("--set", "ema.decay=0.9", "--set", "evaluate.start=1", "--set", "evaluate.every=1"),
)
RUN = ("--workers", "0", "--device", "cpu", "--quiet")
FILE_BYTES, BLOCK = 1 << 20, 1 << 14  # of the download


class Watch:
    """Which phase a process is in, and how often and how long it was in each, as its parent sees it."""

    def __init__(self):
        self.cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    def clear(self):
        """As before the process."""
        for number in range(16):
            self.cells[number] = 0

    @property
    def phase(self):
        """The one that it is in."""
        return PHASES[int(self.cells[0])]

    def count(self, phase):
        """How often it was begun."""
        return int(self.cells[1 + PHASES.index(phase)])

    def seconds(self, phase):
        """How long it took on the average."""
        return self.cells[8 + PHASES.index(phase)] / max(1, self.count(phase))

    def install(self):
        """Called in the process: marks what the loop does."""
        from trizoo.training import loop, train

        averaged = loop.averaged

        @contextmanager
        def evaluating(*given):
            with self._in("evaluation"), averaged(*given):
                yield

        loop.averaged = evaluating
        loop.save = self._marking("checkpoint", loop.save)
        loop.Trainer.fit = self._marking("steps", loop.Trainer.fit)
        train.finish = self._marking("end", train.finish)

    @contextmanager
    def _in(self, phase):
        number, before, started = PHASES.index(phase), self.cells[0], time.monotonic()
        self.cells[1 + number] += 1
        self.cells[0] = number
        try:
            yield
        finally:
            self.cells[8 + number] += time.monotonic() - started
            self.cells[0] = before

    def _marking(self, phase, function):
        def marked(*given, **named):
            with self._in(phase):
                return function(*given, **named)

        return marked


def result(run):
    """What a run comes to, without its seconds: {part: hash or value}."""
    from trizoo.weights.checkpoint import load

    parts = {}
    for name in ("last.h5", "best.h5"):
        whole = load(run / name)
        groups = {"model": whole.model, "ema": whole.ema or {}, **whole.optimizer}
        for group, arrays in groups.items():
            digest = hashlib.blake2b()
            for key in sorted(arrays):
                digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode() + arrays[key].tobytes())
            parts[f"{name} {group}"] = digest.hexdigest()
        parts[f"{name} facts"] = (whole.step, whole.epoch, whole.best, str(whole.metrics))
    parts["metrics.json"] = _without_seconds(json.loads((run / "metrics.json").read_text(encoding="utf-8")))
    log = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [record for record in map(json.loads, log) if record["kind"] == "epoch"]
    parts["log.jsonl"] = [_without_seconds(record) for record in epochs]
    return parts


def _without_seconds(record):
    return {key: value for key, value in record.items() if "second" not in key}


def left_over(folder):
    """Hidden files that a killed process left."""
    return [path.name for path in folder.rglob(".*")]


class Killer:
    """Kills one command at a moment after another, and lets it go on."""

    def __init__(self, name, seed, folder):
        self.name = name
        self.seed = seed
        self.folder = folder
        self.watch = Watch()
        self.cpu = 0.0
        self.phases = {}

    def undisturbed(self, command, prepare):
        """Does a command as it is, to know its phases: (the process's exit code, its text)."""
        self.watch.clear()
        process = Process(command, self.folder / "reference.txt", prepare)
        while not process.is_over():
            self.cpu = max(self.cpu, process.cpu_seconds())
            time.sleep(0.01)
        self.phases = {phase: (self.watch.count(phase), self.watch.seconds(phase)) for phase in PHASES}
        return process.code, process.text()

    def killed(self, number, command, prepare, done=None):
        """Does it and sends the signal of this number's moment -> (signal, phase it was in, or "ended", the process).

        Args:
            done: the share of it that is done, which a moment is then chosen by; None: its CPU seconds say
        """
        rng = random.Random(f"{self.name} {self.seed} {number}")
        kind, share = KINDS[number % 3], rng.random()
        sent = SIGNALS[number // 3 % 3]
        self.watch.clear()
        process = Process(command, self.folder / "killed.txt", prepare)
        count, seconds = self.phases.get(kind, (0, 0.0))
        if done is not None:
            process.until(lambda: done() >= share, LONGEST)
        elif count:
            ordinal = rng.randint(1, count)
            process.until(lambda: self.watch.count(kind) >= ordinal, LONGEST)
            moment = time.monotonic() + share * seconds
            process.until(lambda: time.monotonic() >= moment, LONGEST)
        else:
            process.until(lambda: process.cpu_seconds() >= share * self.cpu, LONGEST)
        phase = "ended" if process.is_over() else self.watch.phase
        process.send(sent)
        if process.wait_while_busy(BUSY, IDLE) is None:
            phase = "hung"
        return sent, phase, process


def warm_up(out, data):
    """Loads, before anything is forked, all that training does but the framework's first step."""
    from trizoo.commands.train import train
    from trizoo.tests.testing import FakeFramework

    with redirect_stdout(StringIO()):
        train(FakeFramework(), ["--data", str(data), "--out", str(out), *TRAIN, *RUN])


def train_campaign(framework, moments, seed, keep, first=0):
    """Kills runs of one framework at moments from the first on: a row of the table, and findings."""
    from trizoo.framework import find

    find(framework).open()
    phases, ways, findings = Counter(), Counter(), Findings(keep)
    with tempfile.TemporaryDirectory(prefix="trizoo-kill-") as temporary:
        folder = Path(temporary)
        killer = Killer(framework, seed, folder)
        data, run = folder / "set", folder / "run"
        assert Process(("synth", str(data), "--images", "8", "--size", "64"), folder / "out.txt").wait(LONGEST) == 0
        warm_up(folder / "warm", data)
        begin = ("train", "--framework", framework, "--data", str(data), "--out", str(run), *TRAIN, *RUN)
        code, text = killer.undisturbed(begin, killer.watch.install)
        if code:
            raise RuntimeError(f"the run that nothing disturbs ends with {code}: {text}")
        expected = result(run)
        print(f"{framework}: {killer.cpu:.1f} CPU seconds, {killer.phases}", flush=True)
        for number in range(first, first + moments):
            shutil.rmtree(run)
            sent, phase, process = killer.killed(number, begin, killer.watch.install)
            phases[phase] += 1
            resumes = (run / "last.h5").exists()
            ways["resumed" if resumes else "anew"] += 1
            again = ("train", "--framework", framework, "--resume", str(run), *RUN) if resumes else begin
            name = f"{framework} {number} {sent.name} {phase}"
            if "Traceback" in process.text() or phase == "hung":
                findings.add(name, process.text()[-500:], run if run.exists() else None)
            second = Process(again, folder / "second.txt")
            if second.wait_while_busy(BUSY, IDLE) != 0:
                findings.add(name, f"then {second.code}: {second.text()[-500:]}", run if run.exists() else None)
                run.mkdir(exist_ok=True)
                continue
            got = result(run)
            different = [part for part in expected if got[part] != expected[part]]
            if different or left_over(run):
                findings.add(name, f"{', '.join(different)} differ; left: {left_over(run)}", run)
            print(f"{name}: {process.code}, {'resumed' if resumes else 'anew'}", flush=True)
    places = [phases[phase] for phase in (*PHASES, "ended")]
    return (framework, moments, *places, ways["resumed"], ways["anew"], len(findings.lines)), findings.lines


def download_campaign(moments, seed, keep):
    """Kills downloads from a server on this machine."""
    import trizoo.commands.weights
    import trizoo.weights.store  # noqa: F401 (loaded before forks)
    from trizoo.download import manifest
    from trizoo.tests.campaigns.servers import dripping
    from trizoo.tests.conftest import ENTRY, HEAD

    phases, ways, findings = Counter(), Counter(), Findings(keep)
    content = random.Random(seed).randbytes(FILE_BYTES)
    with (
        tempfile.TemporaryDirectory(prefix="trizoo-kill-") as temporary,
        dripping(content, BLOCK) as (address, sent_bytes),
    ):
        folder = Path(temporary)
        killer = Killer("download", seed, folder)
        home = folder / "home"
        entry = {"tag": "small.free", "model": "yolov9", "part": "model", "url": f"{address}/small.weights"}
        entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "classes": "two"}
        entry |= {"num_classes": 2, "normalisation": "unit"}
        (folder / "manifest.yaml").write_text(HEAD + ENTRY.format(**entry), encoding="utf-8")

        def prepare():
            import os

            os.environ["TRIZOO_HOME"] = str(home)
            manifest.PLACES = (folder / "manifest.yaml",)

        command = ("weights", "download", "small.free")
        code, text = killer.undisturbed(command, prepare)
        if code:
            raise RuntimeError(f"the download that nothing disturbs ends with {code}: {text}")
        for number in range(moments):
            shutil.rmtree(home, ignore_errors=True)
            begun = sent_bytes()

            def done(begun=begun):
                return (sent_bytes() - begun) / len(content)

            sent, phase, process = killer.killed(number, command, prepare, done)
            parts = [path for path in home.rglob("*.part") if path.stat().st_size]
            phase = "ended" if phase == "ended" else "arriving" if parts else "start"
            phases[phase] += 1
            ways["resumed" if parts else "anew"] += 1
            name = f"download {number} {sent.name} {phase}"
            if "Traceback" in process.text():
                findings.add(name, process.text()[-500:])
            second = Process(command, folder / "second.txt", prepare)
            files = (
                [path for path in home.rglob("*") if path.suffix == ".weights"]
                if second.wait_while_busy(BUSY, IDLE) == 0
                else []
            )
            if [path.read_bytes() for path in files] != [content] or list(home.rglob("*.part*")):
                findings.add(name, f"then {second.code}: {second.text()[-500:]}", home)
    places = (phases["start"], phases["arriving"], 0, 0, 0, phases["ended"])
    return ("download", moments, *places, ways["resumed"], ways["anew"], len(findings.lines)), findings.lines


def _campaign(task):
    name, moments, seed, keep, _ = task
    return download_campaign(moments, seed, keep) if name == "download" else train_campaign(*task)


def main(given=None):
    """The command."""
    from trizoo.framework import installed

    parser = arguments(__doc__, moments=50)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="frameworks, or download (all that is installed)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="moment of a framework to begin with (0)")
    args = parser.parse_args(given)
    tasks = [
        (name, args.moments, args.seed, args.keep, args.first) for name in args.targets or ("download", *installed())
    ]
    rows, findings = [], Findings(args.keep)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for row, lines in pool.imap(_campaign, tasks):
            rows.append(row)
            findings.lines += lines
    table(("command", "moments", *PHASES, "ended before", "resumed", "begun anew", "wrong"), *rows)
    return findings.end()


if __name__ == "__main__":
    sys.exit(main())
