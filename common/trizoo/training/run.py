"""The run folder: where one training run keeps its recipe, log, curves, checkpoints and metrics.

    recipe.yaml     the resolved recipe                   log.jsonl    one JSON object per line, steps and epochs
    metrics.csv     one row per epoch, from the log       curves.png   the log, drawn
    last.h5 best.h5 checkpoints                           metrics.json the final metrics
    samples/        pictures                              .lock        of the process that trains it, while it does
    layers.csv      of --layer-stats, see `trizoo.training.layer_stats`

Each line of the log has a kind, "step" or "epoch", with `step`, the steps done since the run began, and `epoch`, from
1. A step line gives `lr` and the loss terms by name; an epoch line the terms' means, `seconds`, and where it was
evaluated `mAP50` and `mAP`, `validation_loss`, and `loss_gap`, which is that less the mean of `loss`. More keys are
welcome. A number that isn't finite is null.
"""

import csv
import io
import itertools
import json
import re
from contextlib import contextmanager
from pathlib import Path

from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.files import TEMPORARY, remove_left, write_atomically
from trizoo.ground.lock import HeldError, Lock, holder
from trizoo.ground.results import check_place
from trizoo.ground.text import quoted, to_json

KINDS = ("step", "epoch")
FARTHEST = 1 << 53  # a step above it is none


class RunFolder:
    """One run's folder and the names in it. Make it with `create` or `open`."""

    def __init__(self, path):
        self.path = Path(path)
        self.recipe_path = self.path / "recipe.yaml"
        self.log_path = self.path / "log.jsonl"
        self.metrics_csv = self.path / "metrics.csv"
        self.curves = self.path / "curves.png"
        self.best = self.path / "best.h5"
        self.last = self.path / "last.h5"
        self.layers_csv = self.path / "layers.csv"
        self.metrics_json = self.path / "metrics.json"
        self.samples = self.path / "samples"
        self.lock_path = self.path / ".lock"
        self.lock = None

    @classmethod
    def create(cls, path):
        """The folder of a new run, made with the folders above it. It may exist, if it is empty.

        Raises UserError where it holds files or can't be made.
        """
        run = cls.check_new(path)
        try:
            run.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the run folder {run.path} can't be made: {error.strerror or error}") from error
        return run

    @classmethod
    def check_new(cls, path):
        """The folder that `create` would make. Raises UserError where it would refuse; nothing is made."""
        run = cls(path)
        if run.path.exists() and not run.path.is_dir():
            raise UserError(f"the run folder {run.path} can't be made: a file is there; another --out would do")
        run.check_empty()
        if not run.path.exists():
            check_place(run.path)
        return run

    def check_empty(self):
        """UserError where there is more in the folder than a beginning that came to nothing left."""
        try:
            names = {file.name for file in self.path.iterdir()} if self.path.is_dir() else set()
        except OSError as error:
            raise UserError(f"the run folder {self.path} can't be made: {error.strerror or error}") from error
        owner = holder(self.lock_path) if self.lock is None else None
        if owner:
            raise self._in_use(owner)
        if all(name == self.lock_path.name or TEMPORARY.fullmatch(name) for name in names):
            return
        if self.last.is_file():
            raise UserError(f"{self.path} isn't empty; {self._resume} resumes that run, another --out starts one")
        raise UserError(f"{self.path} isn't empty and holds no run to resume; another --out starts one")

    @classmethod
    def open(cls, path):
        """The folder of a run that was begun, by its own path or that of the last.h5 in it.

        Raises UserError where there is no last.h5 to resume from; recipe.yaml is written anew from it.
        """
        path = Path(path)
        run = cls(path.parent if path.name == "last.h5" else path)
        if not run.path.is_dir():
            raise UserError(f"{run.path} is no run folder; the folder of a run, or the last.h5 in it, is needed")
        if not run.last.is_file():
            raise UserError(f"{run.path} can't be resumed without last.h5; another --out starts a new run")
        return run

    @contextmanager
    def held(self):
        """While it lasts, no other process trains in this folder; what killed ones left half written is gone.

        Within itself it does nothing. Raises UserError at once where another process holds the folder.
        """
        if self.lock is not None:
            yield
            return
        try:
            self.lock = Lock(self.lock_path)
        except HeldError as error:
            raise self._in_use(error) from None
        except OSError as error:
            raise UserError(f"{self.lock_path} can't be made: {error.strerror or error}") from error
        try:
            remove_left(self.path)
            remove_left(self.samples)
            yield
        finally:
            self.lock.release()
            self.lock = None

    @property
    def _resume(self):
        return f"--resume {quoted(self.path)}"

    def _in_use(self, owner):
        return UserError(f"{self.path} is being trained by {owner}; wait for its end, or name another folder")

    def explain(self, error):
        """What an UnwrittenError of this run's files means for it: a UserError that says how it goes on."""
        if not self.path.is_dir():
            return UserError(
                f"{error.fact}: {self.path} was moved or removed; where it was moved, --resume with its new path goes "
                f"on, and another --out begins anew"
            )
        way = f"{self._resume} goes on" if self.last.is_file() else "the same command begins anew"
        return UserError(f"{error.fact}; where there is room again, {way}")

    def log(self, record):
        """Append a record (see the module's docstring) to the log; an epoch's also goes into metrics.csv.

        NumPy numbers and arrays will do. Raises ValueError for another kind and for missing keys.
        """
        kind = record.get("kind")
        if kind not in KINDS:
            raise ValueError(f"record has kind {kind!r}; one of {', '.join(KINDS)} is needed")
        missing = [key for key in ("step", "epoch") if key not in record]
        if missing:
            raise ValueError(f"record {record} has no {' and no '.join(missing)}; both step and epoch are needed")
        try:
            with self.log_path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(to_json(record) + "\n")
        except OSError as error:
            raise UnwrittenError(f"{self.log_path} can't be written ({error.strerror or error})") from error
        if kind == "epoch":
            self._write_csv(self.read_log())

    def read_log(self):
        """All records, oldest first; [] without a log. A last line that a kill cut short is left out.

        Raises UserError with the line's number where another line is no record.
        """
        if not self.log_path.exists():
            return []
        *lines, _torn = self.log_path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [read_record(line, f"line {number} of {self.log_path}") for number, line in enumerate(lines, 1)]

    def truncate(self, step, unfinished=None):
        """Forget what was logged after `step` steps, in log.jsonl and metrics.csv: call it when resuming there.

        Args:
            unfinished: an epoch, from 1, that goes on, so that a line which an earlier end of the run gave it goes, too
        """
        records = [
            record
            for record in self.read_log()
            if record["step"] <= step and (record["kind"], record["epoch"]) != ("epoch", unfinished)
        ]
        write_atomically(self.log_path, "".join(to_json(record) + "\n" for record in records))
        self._write_csv(records)

    def draw_curves(self):
        """Draw the log into curves.png."""
        from trizoo.training.curves import draw_curves

        write_atomically(self.curves, draw_curves(self.read_log()))

    def write_metrics(self, metrics):
        """Write the final metrics, a dict, to metrics.json; what isn't finite is null."""
        write_atomically(self.metrics_json, to_json(metrics, indent=2) + "\n")

    def write_text(self, path, text):
        """Write a text file of the run, such as recipe.yaml, as UTF-8, whole or not at all."""
        write_atomically(path, text)

    def _write_csv(self, records):
        """metrics.csv from the log, so that the two always agree: the columns of all epochs, empty where not known."""
        rows = [
            {key: value for key, value in record.items() if key != "kind" and not isinstance(value, dict | list)}
            for record in records
            if record["kind"] == "epoch"
        ]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(itertools.chain(*rows))), lineterminator="\n")
        if rows:
            writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.metrics_csv, text.getvalue())


def read_record(line, place):
    """The record of a log's line, which may hold anything.

    Raises UserError, in which `place` names the line, for what isn't JSON, of no kind, or without step or epoch.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place} is no JSON ({str(error)[:80]}); remove it, or name the folder of a run") from None
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        raise UserError(f"{place} is no record of a run's log; one of the kinds {', '.join(KINDS)} is needed")
    check_place_in_run(record, place)
    return record


def check_place_in_run(record, place):
    """UserError, in which `place` names the record, where its step or epoch is no number of at least 0."""
    for name in ("step", "epoch"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FARTHEST:
            raise UserError(f"{place} has no {name} that is a number of at least 0; it is no record of a run's log")


def next_run(parent, name):
    """Make the folder of the next run called `name`: runs, yolov3 -> runs/yolov3-001, then -002 …

    Each call gets a folder of its own, also when several start at once. Raises UserError where it can't be made.
    """
    parent = Path(parent)
    numbered = re.compile(re.escape(name) + r"-(\d+)")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        taken = [int(match[1]) for match in map(numbered.fullmatch, (path.name for path in parent.iterdir())) if match]
        for number in itertools.count(max(taken, default=0) + 1):
            path = parent / f"{name}-{number:03}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise UserError(f"no run folder can be made in {parent}: {error.strerror or error}") from error
