"""What all trackers have in common: names of the curves, and that a failing one never ends a run."""

import json
from typing import ClassVar

from trizoo.ground.files import write_atomically
from trizoo.ground.text import to_json
from trizoo.training.callbacks import Callback

FILE = "trackers.json"  # in the run folder: {tracker: what its service calls the run}
PLACES = {"validation_loss": "validation/loss", "seconds": "time/epoch", "evaluation_seconds": "time/evaluation"}
REASON = 300  # characters of a library's error that are told


def remembered(run):
    """{tracker: what its service calls the run} of a run folder; {} where nothing can be read."""
    try:
        found = json.loads((run.path / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: known for name, known in found.items() if isinstance(known, str)} if isinstance(found, dict) else {}


class Tracker(Callback):
    """Base of trackers. One that fails is told once and left alone from then on; training goes on.

    A subclass has `name`, `title` and the four methods that raise NotImplementedError here.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self):
        self.running = False
        self.terms = set()

    def begin(self, trainer, known):
        """Opens what is written to, with the recipe.

        Args:
            known: what this returned when the run began, "" for a new run; the same run goes on

        Returns:
            What its service calls the run, as text.
        """
        raise NotImplementedError

    def write(self, values, step):
        """Writes {name: number} of a step."""
        raise NotImplementedError

    def picture(self, path, step):
        """Adds a JPEG or PNG file."""
        raise NotImplementedError

    def end(self, finished):
        """Closes what `begin` opened.

        Args:
            finished: whether the run came to its end
        """
        raise NotImplementedError

    def on_begin(self, trainer):
        self.running = True
        self._try(trainer, self._begin, trainer)

    def on_step(self, trainer, record):
        self.terms = {name for name in record if name not in ("kind", "step", "epoch", "lr")}
        values = {f"train/{name}": record[name] for name in sorted(self.terms)}
        self._try(trainer, self.write, {"lr": record["lr"], **values}, record["step"])

    def on_epoch(self, trainer, record):
        own = {"kind", "step", "epoch", "lr", *self.terms}
        values = {
            PLACES.get(name, f"validation/{name}"): value
            for name, value in record.items()
            if name not in own and isinstance(value, int | float)
        }
        self._try(trainer, self.write, {"epoch": record["epoch"], **values}, record["step"])

    def on_end(self, trainer, metrics):
        if metrics is not None:
            values = {f"test/{name}": metrics[name] for name in trainer.task.metrics if metrics[name] is not None}
            self._try(trainer, self.write, values, trainer.step)
            sheet = trainer.run.samples / "sheet.jpg"
            if sheet.is_file():
                self._try(trainer, self.picture, sheet, trainer.step)
        self._try(trainer, self.end, metrics is not None)
        self.running = False

    def close(self):
        """Closes a tracker of a run that an error ended; the error is what counts, not how this goes."""
        if self.running:
            self.running = False
            try:
                self.end(False)
            except Exception:
                return

    def _begin(self, trainer):
        known = remembered(trainer.run)
        known[self.name] = self.begin(trainer, known.get(self.name, ""))
        write_atomically(trainer.run.path / FILE, to_json(known) + "\n")

    def _try(self, trainer, function, *arguments):
        """Calls a function while the tracker runs. Libraries and networks fail in any way, so every error counts."""
        if not self.running:
            return
        try:
            function(*arguments)
        except Exception as error:
            self.close()
            reason = " ".join(str(error).split())[:REASON] or type(error).__name__
            trainer.progress.print_line(f"warning: {self.title} failed ({reason}); training goes on without it")
