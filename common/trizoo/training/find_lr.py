"""A learning rate to begin with (Smith 2017): a few steps of the run, each at a higher rate, and what the loss does."""

import csv
import io
import math
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.pictures.style import COLOURS
from trizoo.training.anchors import begin_with
from trizoo.training.build import build_model, build_trainer
from trizoo.training.data import open_data
from trizoo.training.distill import check_there, open_teacher
from trizoo.training.precision import with_precision
from trizoo.training.progress import Progress
from trizoo.training.run import RunFolder, next_run
from trizoo.training.sizes import check_augmented_sizes, unresized
from trizoo.training.specs import check_model, spec_of
from trizoo.training.train import check_own_operations, check_workers, choose_workers
from trizoo.training.world import alone

LOWEST, HIGHEST = 1e-6, 1.0  # rates of the first and the last step
LEAST_STEPS = 20
MEMORY = 0.9  # of the smoothed loss: what each step keeps of it
BLOWN_UP = 4  # times the lowest smoothed loss, at which the search ends


def find_lr(framework, recipe, device, say, *, steps, weights=None, out=None, workers=None, quiet=False):
    """Steps of a run at rates that grow by equal ratios -> the rate at which its loss falls fastest, None without any.

    lr.csv and lr.png go into a folder of their own; no weights are kept.

    Args:
        framework, recipe, device, say, weights, workers, quiet: as for `trizoo.training.train.train`
        steps: LEAST_STEPS or more
        out: the folder to make; None: the next runs/MODEL-lr-NNN

    Raises:
        UserError: for what doesn't fit, as training does, and for a folder that holds files
    """
    if steps < LEAST_STEPS:
        raise UserError(f"--find-lr is {steps} steps; {LEAST_STEPS} or more are needed")
    check_workers(workers)
    world = alone("--find-lr")
    workers = choose_workers(workers, 1, say)
    recipe, _ = with_precision(framework, recipe, device, say, world)
    check_model(recipe)
    check_there(recipe)
    check_own_operations(recipe, workers)
    if out is not None:
        RunFolder.check_new(out)
    schedule = recipe.schedule.model_copy(update={"epochs": None, "iterations": steps})
    recipe = recipe.model_copy(update={"schedule": schedule})
    recipe, sources = open_data(recipe, say, pretrained=weights is not None)
    recipe = unresized(recipe, sources, say)
    recipe = begin_with(recipe, sources, say, weights=weights, world=world)
    check_augmented_sizes(recipe, sources, spec_of(recipe))
    teacher = open_teacher(framework, recipe, device, say)
    model = build_model(framework, recipe, device, say, weights=weights, teacher=teacher)
    with ExitStack() as held:
        folder = RunFolder.create(next_run(Path("runs"), f"{recipe.model.name}-lr") if out is None else out)
        held.enter_context(folder.held())
        folder.check_empty()
        progress = held.enter_context(Progress(steps, quiet=quiet))
        trainer = build_trainer(
            framework,
            model,
            recipe,
            sources,
            run=folder,
            progress=progress,
            device=device,
            workers=workers,
            world=world,
            pretrained=weights is not None,
            teacher=teacher,
        )
        rates, losses = _measure(trainer, steps)
        smoothed = smooth(losses)
        rate = suggestion(rates, smoothed)
        write_atomically(folder.path / "lr.csv", _table(rates, losses, smoothed))
        write_atomically(folder.path / "lr.png", _picture(rates, losses, smoothed, rate))
    told = "the loss never fell, so there is no rate to suggest" if rate is None else f"--lr {rate:.2g} is suggested"
    say(f"{len(rates)} steps from {rates[0]:.2g} to {rates[-1]:.2g}: {told}; {folder.path / 'lr.png'} shows them")
    return rate


def _measure(trainer, steps):
    """Rates and losses of the steps, up to one whose loss has blown up: two of float64 (N,)."""
    rates, losses = [], []
    frozen = None
    for batch in trainer.framework.loader(
        trainer.training_set, trainer.plan.batch_plans(), trainer.workers, trainer.device
    ):
        phase = trainer.plan.phase(batch.step)
        if phase.frozen != frozen:
            frozen = phase.frozen
            trainer.learner.freeze((trainer.plan.frozen_prefix,) if frozen else ())
        rate = LOWEST * (HIGHEST / LOWEST) ** (batch.step / (steps - 1))
        loss = float(trainer.learner.step(trainer.taught(batch), rate)["loss"])
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        trainer.progress.update(len(rates), {"loss": loss, "lr": rate}, images=phase.batch_size)
        smoothed = smooth(losses)
        if smoothed[-1] > BLOWN_UP * smoothed.min():
            break
    if not rates:
        raise UserError(
            "the loss of the first step isn't finite, before anything is learnt; other data or weights would do"
        )
    return np.array(rates), np.array(losses)


def smooth(losses):
    """The running mean of losses in which each counts MEMORY times the next: (N,) -> (N,)."""
    smoothed, average = [], 0.0
    for number, loss in enumerate(losses, 1):
        average = MEMORY * average + (1 - MEMORY) * loss
        smoothed.append(average / (1 - MEMORY**number))
    return np.array(smoothed)


def suggestion(rates, smoothed):
    """The rate at which the smoothed loss falls fastest by the rate's logarithm, before its lowest point; or None."""
    lowest = int(np.argmin(smoothed))
    if lowest < 2:
        return None
    slopes = np.gradient(smoothed[: lowest + 1], np.log(rates[: lowest + 1]))
    return float(rates[np.argmin(slopes)])


def _table(rates, losses, smoothed):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("lr", "loss", "smoothed"))
    writer.writerows(zip(rates.tolist(), losses.tolist(), smoothed.tolist(), strict=True))
    return text.getvalue()


def _picture(rates, losses, smoothed, rate):
    """The bytes of a PNG file of 800 x 500 pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="learning rate", ylabel="loss")
    axes.plot(rates, losses, color=COLOURS[0], alpha=0.25, linewidth=0.8)
    axes.plot(rates, smoothed, color=COLOURS[0], linewidth=1.8, label="loss, smoothed")
    if rate is not None:
        axes.axvline(rate, color="black", linestyle="--", label=f"falls fastest at {rate:.2g}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
