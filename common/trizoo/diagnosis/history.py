"""What a run folder says of its run: recipe, log, final metrics. Each file may hold anything.

Limits: 16 MiB of each file, of a log its end: within 600 MiB and 10 seconds.
"""

import csv
import json
import math
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.diagnosis.limits import GOOD, TREND_LOSSES
from trizoo.families import architecture
from trizoo.ground.errors import UserError
from trizoo.ground.files import open_ordinary
from trizoo.ground.lock import holder
from trizoo.ground.text import quoted
from trizoo.recipes.load import from_dict, load
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.training.data import as_typed, moved
from trizoo.training.run import RunFolder, check_place_in_run, read_record
from trizoo.training.schedule import AUTO, DEFAULT_EPOCHS, epochs_for
from trizoo.weights.checkpoint import load_recipe, load_state

# of a file that is read: of a log 88,000 lines, or 880,000 steps. Of a longer log the end is read, and metrics.csv
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class History:
    """A run, as its folder says.

    Args:
        run: its RunFolder
        root: where its data set is to be found, None where nothing says so
        steps, epochs: the log's records of each kind; numbers that aren't finite are nan
        metrics: the final ones, {} where the run didn't come to its end
        pretrained: whether it began with weights, None where nothing says so
        images: how many it was trained on, None where nothing says so
        ids: `trizoo.training.data.checksum_of_ids` of these, None where nothing says so
        goes_on: whether it can be resumed, as far as the data set is concerned
    """

    run: RunFolder
    recipe: Recipe
    root: Path | None
    steps: list[dict[str, float]]
    epochs: list[dict[str, float]]
    metrics: dict[str, Any]
    pretrained: bool | None
    images: int | None
    ids: int | None = None
    goes_on: bool = True

    @property
    def score_name(self):
        """The metric that `limits` are of, whatever chooses the best weights: "mAP50" or "mIoU"."""
        return task_of(self.recipe.model.name).metrics[0]

    @cached_property
    def last_step(self):
        """Steps done, as the log says."""
        return int(max((record["step"] for record in (*self.steps, *self.epochs)), default=0))

    @cached_property
    def last_epoch(self):
        """The epoch, from 1, of the last record."""
        return int(max((record["epoch"] for record in (*self.steps, *self.epochs)), default=0))

    @cached_property
    def losses(self):
        """The course of the loss, finite: float64 (N,). Means of epochs where there are enough, else logged steps."""
        of_epochs, of_steps = finite(self.epochs, "loss"), finite(self.steps, "loss")
        return of_epochs if len(of_epochs) >= TREND_LOSSES or not len(of_steps) else of_steps

    @cached_property
    def scores(self):
        """(epoch, metric) of each evaluation: float64 (N, 2)."""
        name = self.score_name
        rows = [(record["epoch"], record[name]) for record in self.epochs if math.isfinite(record.get(name, math.nan))]
        return np.array(rows, np.float64).reshape(-1, 2)

    @property
    def best_score(self):
        """The best validation metric, nan where nothing was evaluated."""
        return float(self.scores[:, 1].max(initial=-math.inf)) if len(self.scores) else math.nan

    @property
    def works(self):
        """Whether nothing that it learnt from can be quite wrong."""
        return self.best_score >= GOOD

    @property
    def is_overfit(self):
        """Whether it was trained and measured on the same few images on purpose."""
        return bool(self.recipe.data.overfit)

    @property
    def folder(self):
        """The run folder as a command line takes it."""
        return quoted(self.run.path)

    @property
    def again(self):
        """The command that begins the run anew, for flags to be added."""
        weights = " --weights TAG" if self.pretrained else ""
        return f"trizoo train --recipe {quoted(self.run.recipe_path)}{weights}{self.moved}"

    @property
    def resumed(self):
        """The command that goes on with the run, or begins it anew where it can't be resumed, for flags to be added."""
        if not self.goes_on:
            return self.again
        return f"trizoo train --resume {self.folder}{self.moved}"

    @property
    def moved(self):
        """The flag that says where the data set is, where it isn't where the recipe says; "" where it is."""
        place = None if self.root is None else str(self.root)
        return "" if place == self.recipe.data.root else f" --data {quoted(place or 'ROOT')}"

    @property
    def progress(self):
        """How far it came and was to come: steps where the recipe says how many, else epochs."""
        schedule = self.recipe.schedule
        if schedule.iterations:
            return self.last_step, schedule.iterations
        by_images = epochs_for(self.images) if self.images else None
        return self.last_epoch, (by_images if schedule.epochs == AUTO else schedule.epochs) or DEFAULT_EPOCHS

    def longer(self, flag, count):
        """The command that trains it for so many epochs or steps in all.

        Where patience ended it, resuming would end at once.

        Args:
            flag: --epochs or --iterations
        """
        done, wanted = self.progress
        if self.recipe.schedule.patience and self.metrics and done < wanted:
            return f"{self.again} --set schedule.patience=0 {flag} {count}"
        return f"{self.resumed} {flag} {count}"

    @property
    def data(self):
        """The data set as a command line takes it, with the flags that the run read its files by."""
        return as_typed(self.found_data, self.root or "ROOT")

    @property
    def found_data(self):
        """The recipe's data section, for where the data set is now."""
        return moved(self.recipe.data, self.root) if self.root and self.moved else self.recipe.data

    @property
    def named_data(self):
        """`data`, with the run's other names for classes, for train."""
        return f"{self.data}{names_flag(dict(self.recipe.data.classes_map))}"

    @property
    def checked_data(self):
        """`data` for data check and data split, which look for boxes and masks unless they are told the task."""
        return f"{self.data}{self._task}"

    @property
    def shown_data(self):
        """`named_data` for data show, as `checked_data`."""
        return f"{self.named_data}{self._task}"

    @property
    def _task(self):
        task = architecture(self.recipe.model.name).task
        return "" if task in ("detection", "segmentation") else f" --task {task}"


def names_flag(mapping):
    """The flag of other names for classes, {old: new}, to be added to a command; "" without any."""
    names = [quoted(f"{old}={new}") for old, new in mapping.items()]
    return f" --classes-map {' '.join(names)}" if names else ""


def finite(records, name):
    """The finite values of that name: float64 (N,)."""
    values = [record.get(name, math.nan) for record in records]
    values = np.array(values, np.float64)
    return values[np.isfinite(values)]


def read_history(path, root=None):
    """The `History` of a run folder.

    Args:
        root: where its data set lies now, None for where the recipe says

    Raises:
        UserError: where the folder is no run, or a file of it is damaged
    """
    run = RunFolder(path)
    if not run.path.is_dir():
        raise UserError(f"{path} is no folder; the folder of a run is needed")
    if not run.log_path.is_file() and not run.metrics_csv.is_file():
        raise UserError(f"{path} is no run: it has neither log.jsonl nor metrics.csv; the folder of a run is needed")
    records = _records(run)
    recipe = _read_recipe(run)
    notes = _notes(run)
    root = recipe.data.root if root is None else root
    images = notes.get("images")
    return History(
        run,
        recipe,
        None if root is None else Path(root),
        [record for kind, record in records if kind == "step"],
        [record for kind, record in records if kind == "epoch"],
        _read_metrics(run.metrics_json),
        bool(notes["pretrained"]) if "pretrained" in notes else None,
        images if isinstance(images, int) else None,
        notes.get("image_ids_crc32"),
    )


def trainer_of(run):
    """Who trains in a run folder at the moment, in words; None where nobody does."""
    return holder(run.lock_path)


def _read_recipe(run):
    """The run's Recipe, of a model that is known. Raises UserError where there is none."""
    recipe = _found_recipe(run)
    architecture(recipe.model.name)
    return recipe


def _found_recipe(run):
    if run.recipe_path.is_file():
        path = run.recipe_path
        return load(Recipe, file=path if path.parent != Path() else Path.cwd() / path).recipe
    for checkpoint in (run.last, run.best):
        if checkpoint.is_file():
            return from_dict(Recipe, load_recipe(checkpoint), f"checkpoint {checkpoint}")
    raise UserError(f"{run.path} is no run: it has no recipe.yaml; the folder of a run is needed")


def _notes(run):
    """What last.h5 knows of the beginning of the run; {} without a whole one, since the rest can be told without."""
    for checkpoint in (run.last, run.best):
        if checkpoint.is_file():
            try:
                notes = load_state(checkpoint).get("notes")
            except UserError:
                continue
            if isinstance(notes, dict):
                return notes
    return {}


def _records(run):
    """(kind, numbers) of each record of a run's log; of metrics.csv where there is no log, or a very long one."""
    if not run.log_path.is_file():
        return _read_csv(run.metrics_csv)
    text, is_whole = _end_of(run.log_path)
    if is_whole or not run.metrics_csv.is_file():
        return _read_log(run.log_path, text, is_whole)
    steps = [record for record in _read_log(run.log_path, text, is_whole) if record[0] == "step"]
    return [*steps, *_read_csv(run.metrics_csv)]


def _end_of(path):
    """The last MOST_BYTES of a text file, and whether that is all of it."""
    try:
        with open_ordinary(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MOST_BYTES))
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
    return content.decode("utf-8", "replace"), size <= MOST_BYTES


def _text(path):
    """A whole text file. Raises UserError for one of more than MOST_BYTES."""
    text, is_whole = _end_of(path)
    if not is_whole:
        raise UserError(f"{path} has more than {MOST_BYTES >> 20} MiB, which no run writes into it")
    return text


def _json(text, place):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place} is no JSON ({str(error)[:80]}); remove it, or name the folder of a run") from None


def _read_log(path, text, is_whole):
    """(kind, numbers) of each record; a line that a kill, or the end of what is read, cut short is left out.

    Args:
        text: the log's end
        is_whole: whether that is all of it
    """
    *lines, _torn = text.split("\n")
    records, which = [], "" if is_whole else f" of the last {MOST_BYTES >> 20} MiB"
    for number, line in enumerate(lines if is_whole else lines[1:], 1):
        record = read_record(line, f"line {number}{which} of {path}")
        records.append((record["kind"], _numbers(record)))
    return records


def _read_csv(path):
    """("epoch", numbers) of each row of metrics.csv."""
    try:
        rows = list(csv.DictReader(_text(path).splitlines()))
    except csv.Error as error:
        raise UserError(f"{path} is no table of epochs: {error}") from None
    records = [{name: _parsed(value) for name, value in row.items() if name} for row in rows]
    for number, record in enumerate(records, 1):
        check_place_in_run(record, f"row {number} of {path}")
    return [("epoch", _numbers(record)) for record in records]


def _parsed(text):
    """A cell's number; None, as JSON's null, for any other text and for an empty one."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _numbers(record):
    """{name: float} of a record's numbers, nan for null."""
    numbers = {}
    for name, value in record.items():
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            try:
                numbers[name] = math.nan if value is None else float(value)
            except OverflowError:  # a whole number of more than 308 digits
                numbers[name] = math.inf
    return numbers


def _read_metrics(path):
    """metrics.json, {} where there is none."""
    if not path.is_file():
        return {}
    metrics = _json(_text(path), path)
    if not isinstance(metrics, dict):
        raise UserError(f"{path} holds no metrics; an object with their names and values is needed")
    return metrics
