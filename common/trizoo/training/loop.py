"""The training loop: steps, log, evaluation, checkpoints, early end. The same for every framework."""

import math
import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.metrics.plain import shown as in_words
from trizoo.recipes.load import to_dict
from trizoo.tasks import best_metric
from trizoo.training.schedule import average_decay
from trizoo.training.shared import measure
from trizoo.training.world import Share, World
from trizoo.weights.checkpoint import Checkpoint, lasting, save

LOG_INTERVAL = 10  # steps from one line of the log, and one wait for the device, to the next
LINE_SECONDS = 3  # an epoch that is shorter, of a handful of images, prints its line only where it was evaluated
SAVE_INTERVAL = 600  # seconds after which last.h5 is written also within an epoch
SAVE_SHARE = 0.05  # of the time, at most, goes into last.h5 at the ends of epochs that aren't evaluated


@dataclass
class EpochSums:
    """What an epoch's line of the log needs. It goes into last.h5, so that an epoch in two parts has one whole line.

    Args:
        terms: each loss term's sum over the steps so far
        steps: how many there were
        seconds: that they took
    """

    terms: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0

    def add(self, terms):
        """One step's terms."""
        self.steps += 1
        for name, value in terms.items():
            self.terms[name] = self.terms.get(name, 0.0) + value

    def means(self):
        """The terms' means over the steps so far."""
        return {name: value / self.steps for name, value in self.terms.items()}


@dataclass
class Trainer:
    """One run. `fit` trains from `step` to the end of its RunPlan, or to where it is told to stop.

    Args:
        task: see `trizoo.tasks`
        evaluation: one of its evaluation sets
        validation_loss: its images' `trizoo.training.validation.ValidationLoss`
        best: the best validation metric so far
        notes: goes into last.h5 as it is, for whoever resumes the run
        best_epoch: the one, from 1, after which nothing was better
        callbacks: see `trizoo.training.callbacks`
        world: of the processes that train it, of which the first alone logs, saves and has callbacks
        teacher: the run's `trizoo.training.distill.Teacher`, None without one
        layers: the run's `trizoo.training.layer_stats.LayerStats`, None without one
    """

    framework: Any
    learner: Any
    spec: Any
    recipe: Any
    plan: Any
    training_set: Any
    task: Any
    evaluation: Any
    validation_loss: Any
    run: Any
    progress: Any
    device: Any
    workers: int
    notes: dict
    step: int = 0
    best: float | None = None
    best_epoch: int = 0
    metrics: dict = field(default_factory=dict)
    epoch_sums: EpochSums = field(default_factory=EpochSums)
    stopped: bool = False
    callbacks: tuple = ()
    world: World = field(default_factory=World)
    teacher: Any = None
    layers: Any = None
    saved: float = 0.0  # when last.h5 was, by time.monotonic
    save_seconds: float = 0.0  # that it took

    @property
    def unfinished_epoch(self):
        """The epoch, from 1, that the next step goes on with; None where that begins one, or there is none."""
        epoch, place = self.plan.epoch_of(self.step)
        return epoch + 1 if place and self.step < self.plan.total_steps else None

    def fit(self):
        """Trains; afterwards `stopped` says whether a signal ended it early.

        Raises UserError where the loss or the weights are no longer finite; last.h5 then holds the last good ones.
        """
        if self.step >= self.plan.total_steps or self.is_out_of_patience:
            return
        make_batch = self.training_set
        if self.world.size > 1:
            own = World(self.world.rank, self.world.size)  # without what it talks by, which no loader process can have
            make_batch = Share(make_batch, own, self.recipe.schedule.accumulate)
        batches = self.framework.loader(make_batch, self.plan.batch_plans(self.step), self.workers, self.device)
        frozen = None
        self.progress.start(self.plan.total_steps, self.step)
        pending, marked = [], time.monotonic()
        self.saved = marked
        for callback in self.callbacks:
            callback.on_begin(self)
        if self.recipe.compile:
            self.progress.note("the first step compiles its graph (--compile), which may take minutes")
        with stop_signals(self.stop):
            for batch in batches:
                phase = self.plan.phase(batch.step)
                if phase.frozen != frozen:
                    frozen = phase.frozen
                    self.learner.freeze((self.plan.frozen_prefix,) if frozen else ())
                lr = self.plan.lr(batch.step)
                looked = self.layers and self.layers.look(self.learner, batch.images)
                pending.append((batch.step, lr, batch.ids, self.learner.step(self.taught(batch), lr), looked))
                if self.recipe.ema.decay:
                    self.learner.average.move(average_decay(self.recipe.ema, batch.step))
                self.step = batch.step + 1
                ends, stopping = self.plan.ends_epoch(batch.step), self.world.any(self.stopped)
                if len(pending) < LOG_INTERVAL and not ends and not stopping:
                    continue
                if self.world.is_first:
                    self._log(pending, phase.batch_size)
                    self.epoch_sums.seconds += time.monotonic() - marked
                if ends:
                    self._end_epoch()
                marked = time.monotonic()
                if self.world.is_first and (stopping or marked - self.saved > SAVE_INTERVAL):
                    self.save_last()
                pending = []
                if ends:
                    self.best_epoch = self.world.of_first(self.best_epoch)
                if stopping:
                    self.stop()
                if stopping or self.is_out_of_patience:
                    return

    def taught(self, batch):
        """The batch with what a teacher says of it, where there is one."""
        return batch if self.teacher is None else self.teacher(batch)

    @property
    def is_out_of_patience(self):
        """Whether the epoch that was just evaluated is the one that `schedule.patience` ends the run with."""
        patience = self.recipe.schedule.patience
        if not patience or not self.best_epoch or not self.plan.ends_epoch(self.step - 1):
            return False
        epoch = self.plan.epoch_of(self.step - 1)[0] + 1
        return epoch - self.best_epoch >= patience and self._evaluates(epoch, self.step - 1)

    def save_last(self):
        """Writes last.h5: all that an exact resume needs."""
        started = time.monotonic()
        ema = self.learner.average.arrays() or None
        model = self.framework.arrays(self.learner.model)
        save(self.run.last, self._checkpoint(model, self.learner.optimizer_arrays(), ema))
        self.saved = time.monotonic()
        self.save_seconds = self.saved - started

    def _log(self, pending, batch_size):
        """Brings the pending steps' terms from the device, checks them, and writes one line for the last of them."""
        for step, lr, ids, terms, looked in pending:
            values = {name: float(value) for name, value in terms.items()}
            # the sum comes last: it isn't finite because one of the others isn't
            for name, value in sorted(values.items(), key=lambda item: item[0] == "loss"):
                if not math.isfinite(value):
                    self.run.log(self._step_record(step, lr, values))
                    where = f"; {self.layers.explain(step + 1, looked)}" if self.layers else ""
                    raise UserError(
                        f"training stopped: the loss term {name!r} is {value} at step {step + 1} with the images "
                        f"{', '.join(ids)}{where}; a lower --lr or a lower --set optimizer.clip_norm=X would do, and "
                        f"{self.run.last} holds the last good weights"
                    )
            self.epoch_sums.add(values)
        record = self._step_record(step, lr, values)
        self.run.log(record)
        if self.layers:
            self.layers.write(step + 1, looked)
        for callback in self.callbacks:
            callback.on_step(self, record)
        self.progress.update(step + 1, {**values, "lr": lr}, images=batch_size * len(pending))

    def _step_record(self, step, lr, values):
        return {"kind": "step", "step": step + 1, "epoch": self.plan.epoch_of(step)[0] + 1, "lr": lr, **values}

    def evaluator(self):
        """The task's ImagePipeline of the model as it is now, in every process as it is in the first."""
        model = self.learner.model
        if self.world.size > 1:
            self.framework.assign(model, self.world.arrays_of_first(self.framework.arrays(model)))
        return self.task.evaluator(self.framework, model, self.spec, self.recipe, self.device)

    def _end_epoch(self):
        step = self.step - 1
        epoch = self.plan.epoch_of(step)[0] + 1
        evaluates, started = self._evaluates(epoch, step), time.monotonic()
        if evaluates:
            with averaged(self.framework, self.learner):
                use = self.evaluator()
                shown = self.progress.evaluation(use, len(self.evaluation.records))
                self.metrics, found = measure(self.evaluation, shown, self.world)
                loss = self.framework.measured_loss(self.spec, self.recipe.loss, self.device)
                unseen = self.validation_loss.measure(use.predict, loss, self.world)
        if not self.world.is_first:
            return
        record = {"kind": "epoch", "step": self.step, "epoch": epoch, "lr": self.plan.lr(step)}
        record |= self.epoch_sums.means()
        record["seconds"] = round(self.epoch_sums.seconds, 3)
        if evaluates:
            if unseen is not None:
                record |= {"validation_loss": unseen, "loss_gap": unseen - own_loss(record, self.recipe.distill)}
            record |= {name: self.metrics[name] for name in self.task.metrics}
            for callback in self.callbacks:
                record |= callback.on_evaluation(self, self.metrics, found) or {}
            record["evaluation_seconds"] = round(time.monotonic() - started, 3)
        self.run.log(record)
        if evaluates or record["seconds"] >= LINE_SECONDS:
            self.progress.epoch_end(_epoch_line(record, self.plan.epochs, self.task.metrics))
        if not self.plan.epoch_of(self.step)[1]:  # else the run ends within it, and may be prolonged
            self.epoch_sums = EpochSums()
        for callback in self.callbacks:
            callback.on_epoch(self, record)
        if evaluates:
            score = self.metrics[best_metric(self.recipe)]
            if self.best is None or (score is not None and score > self.best):
                self.best_epoch = epoch
            if self.best is None or (score is not None and score >= self.best):  # of equals, the later one
                self.best = score
                average = self.learner.average.arrays()
                save(self.run.best, self._checkpoint(lasting(average or self.framework.arrays(self.learner.model))))
            self.save_last()
            self.run.draw_curves()
        elif self.save_seconds <= SAVE_SHARE * (time.monotonic() - self.saved):
            self.save_last()

    def _evaluates(self, epoch, step):
        options = self.recipe.evaluate
        due = epoch >= options.start and epoch % options.every == 0
        return due or step + 1 == self.plan.total_steps

    def _checkpoint(self, model, optimizer=None, ema=None):
        broken = next((name for name, array in model.items() if not np.isfinite(array).all()), None)
        if broken:
            raise UserError(
                f"training stopped: {broken} is no longer finite after step {self.step}; a lower --lr would do, and "
                f"{self.run.last} holds the last good weights"
            )
        return Checkpoint(
            model=model,
            recipe=to_dict(self.recipe),
            framework=self.framework.name,
            step=self.step,
            epoch=self.plan.epoch_of(self.step - 1)[0] + 1 if self.step else 0,
            optimizer=optimizer or {},
            ema=ema,
            best=self.best,
            metrics={name: self.metrics.get(name) for name in self.task.metrics},
            state={
                "learner": self.learner.state(),
                "epoch": asdict(self.epoch_sums),
                "notes": self.notes,
                "best_epoch": self.best_epoch,
            },
        )

    def stop(self):
        """Ends the run after the step that is under way; it can be resumed."""
        self.stopped = True


@contextmanager
def averaged(framework, learner):
    """While it lasts, the learner's model has the averaged weights, where there are any."""
    average = learner.average.arrays()
    if not average:
        yield
        return
    own = framework.arrays(learner.model)
    framework.assign(learner.model, average)
    try:
        yield
    finally:
        framework.assign(learner.model, own)


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


def own_loss(terms, options):
    """Of a run's mean terms, what the model's own loss was, without what a teacher adds.

    Args:
        options: the recipe's distill section
    """
    if not (options.teacher and options.labels):
        return terms["loss"]
    return (terms["loss"] - sum(terms.get(name, 0.0) for name in ("teacher", "features"))) / options.labels


def _epoch_line(record, epochs, metrics):
    """One line that sums up an epoch for a person. metrics: their names; they stand at its end."""
    terms = " ".join(
        f"{name} {value:.3f}"
        for name, value in record.items()
        if isinstance(value, float) and name not in ("lr", "seconds", "evaluation_seconds", *metrics)
    )
    line = f"epoch {record['epoch']}/{epochs}  {terms}  {record['seconds']:.0f} s"
    return line + "".join(f"  {name} {in_words(record[name])}" for name in metrics if name in record)
