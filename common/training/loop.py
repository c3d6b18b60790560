"""The training loop: steps, log, evaluation, checkpoints, early end. The same for every framework."""

import math
import signal
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common import __version__
from common.errors import UserError
from common.recipes.load import to_dict
from common.training.evaluation import make_detector, shown
from common.weights.checkpoint import Checkpoint, save

LOG_INTERVAL = 10  # steps from one line of the log, and one wait for the device, to the next
SAVE_INTERVAL = 600  # seconds after which last.h5 is written also within an epoch


@dataclass
class Trainer:
    """One run. `fit` trains from `step` to the plan's end, or to where it is told to stop.

    evaluation: an `EvaluationSet`; pretrained: whether the run began from weights; best: its best validation mAP50
    """

    framework: Any
    learner: Any
    spec: Any
    recipe: Any
    plan: Any
    training_set: Any
    evaluation: Any
    run: Any
    progress: Any
    device: Any
    workers: int
    pretrained: bool
    step: int = 0
    best: float | None = None
    metrics: dict = field(default_factory=dict)
    stopped: bool = False
    saved: float = field(default_factory=time.monotonic)

    def fit(self):
        """Trains; afterwards `stopped` says whether a signal ended it early.

        Raises UserError on a loss that isn't finite.
        """
        if self.step >= self.plan.total_steps:
            return
        batches = self.framework.loader(self.training_set, self.plan.plans(self.step), self.workers, self.device)
        frozen = None
        self.progress.start(self.plan.total_steps, self.step)
        pending, sums, started = [], defaultdict(list), time.monotonic()
        with stop_signals(self._stop):
            for batch in batches:
                step = batch.step
                phase = self.plan.phase(step)
                if phase.frozen != frozen:
                    frozen = phase.frozen
                    self.learner.freeze((self.plan.frozen_prefix,) if frozen else ())
                lr = self.plan.lr(step)
                pending.append((step, lr, batch.ids, self.learner.step(batch, lr)))
                self.step = step + 1
                ends = self.plan.ends_epoch(step)
                if len(pending) == LOG_INTERVAL or ends or self.stopped:
                    self._log(pending, sums, phase.batch_size)
                    pending = []
                if ends:
                    self._end_epoch(step, {name: float(np.mean(values)) for name, values in sums.items()}, started)
                    sums, started = defaultdict(list), time.monotonic()
                if self.stopped or (not pending and time.monotonic() - self.saved > SAVE_INTERVAL):
                    self.save_last()
                if self.stopped:
                    return

    def save_last(self):
        """Writes last.h5: all that an exact resume needs."""
        save(self.run.last, self._checkpoint(self.learner.optimizer_arrays()))
        self.saved = time.monotonic()

    def _log(self, pending, sums, batch_size):
        """Brings the pending steps' terms from the device, checks them, and writes one line for the last of them."""
        for step, _, ids, terms in pending:
            values = {name: float(value) for name, value in terms.items()}
            for name, value in values.items():
                if not math.isfinite(value):
                    raise UserError(
                        f"training stopped: the loss term {name!r} is {value} at step {step + 1} with the images "
                        f"{', '.join(ids)}; a lower --lr or --set optimizer.clip_norm=10 would do, and "
                        f"{self.run.last} holds the last good weights"
                    )
                sums[name].append(value)
        step, lr, _, _ = pending[-1]
        epoch, _ = self.plan.epoch_of(step)
        self.run.log({"kind": "step", "step": step + 1, "epoch": epoch + 1, "lr": lr, **values})
        self.progress.update(step + 1, {**values, "lr": lr}, images=batch_size * len(pending))

    def _end_epoch(self, step, means, started):
        epoch = self.plan.epoch_of(step)[0] + 1
        record = {"kind": "epoch", "step": step + 1, "epoch": epoch, "lr": self.plan.lr(step), **means}
        record["seconds"] = round(time.monotonic() - started, 3)
        evaluates = self._evaluates(epoch, step)
        if evaluates:
            started = time.monotonic()
            detector = make_detector(self.framework, self.learner.model, self.spec, self.recipe, self.device)
            self.metrics, _ = self.evaluation.measure(detector)
            record |= {"mAP50": self.metrics["mAP50"], "mAP": self.metrics["mAP"]}
            record["evaluation_seconds"] = round(time.monotonic() - started, 3)
        self.run.log(record)
        self.progress.epoch_end(_epoch_line(record, self.plan.epochs))
        if evaluates:
            score = self.metrics["mAP50"]
            if self.best is None or (score is not None and score > self.best):
                self.best = score
                save(self.run.best, self._checkpoint({}))
            self.save_last()
            self.run.draw_curves()

    def _evaluates(self, epoch, step):
        options = self.recipe.evaluate
        due = epoch >= options.start and epoch % options.every == 0
        return due or step + 1 == self.plan.total_steps

    def _checkpoint(self, optimizer):
        return Checkpoint(
            model=self.framework.arrays(self.learner.model),
            recipe=to_dict(self.recipe),
            framework=self.framework.name,
            step=self.step,
            epoch=self.plan.epoch_of(self.step - 1)[0] + 1 if self.step else 0,
            optimizer=optimizer,
            ema=None,
            best=self.best,
            metrics={name: self.metrics.get(name) for name in ("mAP50", "mAP")},
            state=self.learner.state() | {"pretrained": self.pretrained},
            trizoo=__version__,
        )

    def _stop(self, *_):
        self.stopped = True


@contextmanager
def stop_signals(stop):
    """While it lasts, the first Ctrl-C or SIGTERM calls `stop`; a second one ends the program as usual."""

    def on_signal(number, frame):
        signal.signal(number, earlier[number])
        stop()

    try:
        earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are somebody else's business
        earlier = {}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _epoch_line(record, epochs):
    """One line that sums up an epoch for a person."""
    terms = " ".join(
        f"{name} {value:.3f}"
        for name, value in record.items()
        if isinstance(value, float) and name not in ("lr", "seconds", "evaluation_seconds", "mAP50", "mAP")
    )
    line = f"epoch {record['epoch']}/{epochs}  {terms}  {record['seconds']:.0f} s"
    if "mAP50" in record:
        line += f"  mAP50 {shown(record['mAP50'])}  mAP {shown(record['mAP'])}"
    return line
