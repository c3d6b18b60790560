"""When a run does what: steps, epochs, frozen epochs, learning rate. Pure arithmetic from the recipe."""

import math
from dataclasses import dataclass

import numpy as np

from trizoo.ground.text import counted
from trizoo.training.batch import batch_plan

DEFAULT_EPOCHS = 100
AUTO = "auto"  # in the place of a number of epochs, or of a batch size
STEP_LEVELS = 10  # of kind "step": equal ratios from the peak to the last learning rate


@dataclass(frozen=True)
class Phase:
    """A stretch of whole epochs with one batch size.

    Args:
        first_step, first_epoch: counted from the run's beginning, from 0
        frozen: whether the backbone is held still
    """

    first_step: int
    first_epoch: int
    steps_per_epoch: int
    batch_size: int
    frozen: bool


class RunPlan:
    """The run's steps, laid out beforehand.

    An epoch is as many whole batches as `count` images make, at least one. The learning rate follows one curve over the
    run in epochs, evaluated at every step.

    Args:
        schedule: the recipe's section
        freeze: the recipe's section
        count: images to train on
        seed: the run's
        pretrained: whether weights were loaded, without which nothing is frozen
        prefix: of the parameters that frozen epochs hold still
        sizes: the steps' `InputSizes`, None = the recipe's input size throughout
        repeats: `Repeats` or `Groups` of `trizoo.training.order`, None = every image once an epoch

    Attributes:
        length: of the run in epochs, a fraction where iterations end it inside one
        epochs: that, rounded up
    """

    def __init__(self, schedule, freeze, count, seed, pretrained, prefix="backbone.", sizes=None, repeats=None):
        if count < 1:
            raise ValueError(f"count is {count}; at least 1 image to train on is needed")
        self.schedule = schedule
        self.others = (freeze, count, seed, pretrained, prefix, sizes, repeats)
        self.count = count
        self.seed = seed
        self.frozen_prefix = prefix
        self.sizes = sizes
        self.repeats = repeats
        frozen_epochs = freeze.epochs if pretrained else 0
        self.phases = []
        if frozen_epochs:
            size = freeze.batch_size or schedule.batch_size
            self.phases.append(Phase(0, 0, _steps(count, size), size, True))
        thawed = frozen_epochs * self.phases[0].steps_per_epoch if frozen_epochs else 0
        size = schedule.batch_size
        self.phases.append(Phase(thawed, frozen_epochs, _steps(count, size), size, False))
        if schedule.iterations is not None:
            self.total_steps = schedule.iterations
        else:
            epochs = epochs_for(count) if schedule.epochs == AUTO else schedule.epochs
            self.total_steps = self.first_step_of(epochs or DEFAULT_EPOCHS)
        last = self.phase(self.total_steps - 1)
        self.length = last.first_epoch + (self.total_steps - last.first_step) / last.steps_per_epoch
        self.epochs = math.ceil(self.length)

    def __str__(self):
        first, last = self.phases[0], self.phase(self.total_steps - 1)
        epochs = f"{round(self.length, 2):g} {'epoch' if self.length == 1 else 'epochs'}"
        text = f"{epochs} = {counted(self.total_steps, 'step')} of {counted(first.batch_size, 'image')}"
        if first.frozen:
            text += ", backbone frozen"
        if last is not first:
            text += f"; from epoch {last.first_epoch + 1} on of {counted(last.batch_size, 'image')}, nothing frozen"
        return f"{text} (there {'is' if self.count == 1 else 'are'} {self.count})"

    @property
    def never_thaws(self):
        """Whether the backbone is held still for the whole run."""
        return self.phase(self.total_steps - 1).frozen

    def by(self, schedule):
        """The plan of the same run by another schedule."""
        return RunPlan(schedule, *self.others)

    def phase(self, step):
        """The phase that a step (from 0) belongs to."""
        return max((phase for phase in self.phases if phase.first_step <= step), key=lambda phase: phase.first_step)

    def first_step_of(self, epoch):
        """The first step of an epoch (from 0)."""
        phase = max((phase for phase in self.phases if phase.first_epoch <= epoch), key=lambda phase: phase.first_epoch)
        return phase.first_step + (epoch - phase.first_epoch) * phase.steps_per_epoch

    def epoch_of(self, step):
        """The epoch (from 0) of a step, and the step's place in it."""
        phase = self.phase(step)
        epochs, place = divmod(step - phase.first_step, phase.steps_per_epoch)
        return phase.first_epoch + epochs, place

    def ends_epoch(self, step):
        """Whether a step is the last one of its epoch or of the run."""
        return step + 1 == self.total_steps or self.epoch_of(step + 1)[1] == 0

    def lr(self, step):
        """The learning rate of a step.

        From warmup_start quadratically to the peak, then a cosine (or ten levels of equal ratios; of equal differences
        where `final` is 0) down to `final` of it, the last stretch of a cosine flat: the curve that users of the
        earlier repositories know, per step instead of per epoch. Of kind "halve" it is half after every `halve_every`
        steps of the run, whatever `final` and the run's length are.
        """
        schedule = self.schedule
        phase = self.phase(step)
        epoch, place = self.epoch_of(step)
        now, total = epoch + place / phase.steps_per_epoch, self.length
        warmup = min(schedule.warmup * total, schedule.warmup_epochs)
        flat = min(schedule.flat * total, schedule.flat_epochs)
        if now < warmup:
            factor = schedule.warmup_start + (1 - schedule.warmup_start) * (now / warmup) ** 2
        elif schedule.kind == "halve":
            factor = 0.5 ** (step // schedule.halve_every)
        elif schedule.kind == "step":
            level = min(int((now - warmup) * STEP_LEVELS / (total - warmup)), STEP_LEVELS - 1)
            factor = schedule.final ** (level / (STEP_LEVELS - 1)) if schedule.final else 1 - level / STEP_LEVELS
        elif now >= total - flat:
            factor = schedule.final
        else:
            progress = (now - warmup) / max(total - warmup - flat, 1e-9)
            factor = schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * progress)) / 2
        return peak_lr(schedule, phase.batch_size) * factor

    def batch_plan(self, step):
        """The batch plan of a step."""
        epoch, place = self.epoch_of(step)
        batch_size = self.phase(step).batch_size
        progress = step / self.total_steps
        size = self.sizes.at(step) if self.sizes else None
        offset = place * batch_size
        return batch_plan(step, epoch, offset, batch_size, self.count, self.seed, progress, size, self.repeats)

    def batch_plans(self, first_step=0):
        """The batch plan of every step from `first_step` on."""
        return BatchPlans(self, first_step)


class BatchPlans:
    """The batch plans of a run's steps, made when asked for, so that a long run costs no memory."""

    def __init__(self, plan, first_step):
        self.plan = plan
        self.first_step = first_step

    def __len__(self):
        return self.plan.total_steps - self.first_step

    def __iter__(self):
        for step in range(self.first_step, self.plan.total_steps):
            yield self.plan.batch_plan(step)


def average_decay(ema, step):
    """What a step (from 0) keeps of the weights' moving average: `ema.decay`, which itself rises from 0.

    By 1 - exp(-steps / warmup), so that a short run's average isn't one of its first weights.
    """
    return ema.decay * (1 - math.exp(-(step + 1) / ema.warmup)) if ema.warmup else ema.decay


def peak_lr(schedule, batch_size):
    """The peak learning rate for a batch size: scaled with it and kept within bounds, or lr itself.

    Args:
        schedule: the recipe's section
    """
    if schedule.lr_batch is None:
        return schedule.lr
    return float(np.clip(schedule.lr * batch_size / schedule.lr_batch, *schedule.lr_bounds))


def epochs_for(count):
    """Epochs of `schedule.epochs: auto` for so many images: 400 / images^0.3, 12 to 300.

    The fewer images, the more often each is seen, in fewer steps still: 100 epochs of 100 images, 50 of 1,000, 25 of
    10,000, and the 12 that are usual for COCO's 118,287. By judgement.
    """
    return round(min(max(400 / count**0.3, 12), 300))


def decided(recipe, count, say):
    """The recipe with the number that `schedule.epochs: auto` stands for -> (recipe, {dotted key: reason}).

    No more than half of these epochs are frozen.

    Args:
        count: images to train on
        say: gets a line
    """
    if recipe.schedule.epochs != AUTO:
        return recipe, {}
    epochs, reason = epochs_for(count), f"by the number of images, {count:,} (schedule.epochs: {AUTO})"
    say(f"epochs: {epochs}, {reason}; --epochs N for others")
    recipe = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"epochs": epochs})})
    reasons, frozen = {"schedule.epochs": reason}, epochs // 2
    if recipe.freeze.epochs > frozen:
        recipe = recipe.model_copy(update={"freeze": recipe.freeze.model_copy(update={"epochs": frozen})})
        reasons["freeze.epochs"] = f"half of these (schedule.epochs: {AUTO})"
        say(f"freeze: the backbone is frozen for {counted(frozen, 'epoch')}, {reasons['freeze.epochs']}")
    return recipe, reasons


def _steps(count, batch_size):
    """Whole batches in `count` images, at least one."""
    return max(1, count // batch_size)
