"""What the course of a run says: its loss, its metric, its learning rate. No image is looked at."""

import math

import numpy as np

from trizoo.diagnosis import limits
from trizoo.diagnosis.cause import LIKELY, POSSIBLE, Cause, Remedy
from trizoo.diagnosis.history import finite, trainer_of
from trizoo.diagnosis.setup import with_weights
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.tasks import best_metric
from trizoo.training.schedule import peak_lr


def causes(history):
    """The `Cause`s that a `History` alone shows, a list."""
    found = [not_finite(history) or unfinished(history) or rate_too_high(history) or hardly_falls(history)]
    if not found[0]:
        found.append(too_few_steps(history))
    if history.is_overfit:
        found.append(not_overfit(history))
    else:
        found.append(overfitting(history))
    return [cause for cause in found if cause]


def fifths(losses):
    """Means of five equal parts: float64 (N,) -> (5,); None of fewer than TREND_LOSSES losses."""
    if len(losses) < limits.TREND_LOSSES:
        return None
    return np.array([part.mean() for part in np.array_split(losses, limits.FIFTHS)])


def not_finite(history):
    """A loss that was no number, in the last of all records or before."""
    records = [*history.steps, *history.epochs]
    broken = [record for record in records if not math.isfinite(record.get("loss", 0.0))]
    if not broken:
        return None
    first = min(broken, key=lambda record: record["step"])
    names = [name for name, value in first.items() if name not in ("loss", "lr") and not _is_finite(value)]
    lr = first["lr"] if _is_finite(first.get("lr")) else history_peak(history)
    which = f" (of its terms {', '.join(names)})" if names else ""
    return Cause(
        "not_finite",
        LIKELY,
        (f"the loss is no number at step {first['step']:,.0f}{which}, where the learning rate was {lr:.2g}",),
        (
            Remedy(f"{history.again} --lr {lr / 5:.2g}", "a fifth of that rate"),
            Remedy("optimizer.clip_norm=10", "no step becomes longer than that"),
            Remedy("schedule.warmup=0.1", "the rate rises over a longer time"),
            *([Remedy("precision=bf16", "fp16 overflows above 65,504")] if history.recipe.precision == "fp16" else []),
            Remedy(f"trizoo data check {history.checked_data}", "labels and images that are no good"),
        ),
        {"step": first["step"], "lr": lr},
    )


def unfinished(history):
    """A run that neither trains nor was ended: stopped, killed, or out of memory."""
    if history.metrics or trainer_of(history.run):
        return None
    done, wanted = history.progress
    what = "steps" if history.recipe.schedule.iterations else "epochs"
    return Cause(
        "unfinished",
        LIKELY if done < wanted else POSSIBLE,
        (
            f"the log ends in {what[:-1]} {done:,} of {wanted:,}, there is no metrics.json, and no process trains it "
            f"now",
        ),
        (
            Remedy(history.resumed, "goes on where it was" if history.goes_on else "begins anew"),
            Remedy(f"{history.resumed} --workers 0", "where a loader process was killed, mostly for memory"),
        ),
        {"done": done, "wanted": wanted},
    )


def rate_too_high(history):
    """A loss that rises or leaps."""
    parts, warm = fifths(history.losses), _after_warmup(history)
    evidence, numbers, certainty = [], {}, POSSIBLE
    if parts is not None and parts[-1] > limits.RISE * parts.min() and parts.min() > 0:
        numbers["rise"] = parts[-1] / parts.min()
        certainty = LIKELY
        evidence.append(
            f"the loss rose: {parts[-1]:.3g} in the last fifth of the run, {numbers['rise']:.1f} times its lowest "
            f"({parts.min():.3g}, fifth {parts.argmin() + 1})"
        )
    leaps = _leaps(warm)
    if len(leaps) >= limits.SPIKES:
        numbers["leaps"], numbers["highest_leap"] = len(leaps), leaps.max()
        evidence.append(
            f"{len(leaps)} of {len(warm)} logged losses are {limits.SPIKE:g} times those around them or more, at most "
            f"{leaps.max():.0f} times"
        )
    if not evidence:
        return None
    return _rate(history, "rate_too_high", certainty, evidence, numbers)


def hardly_falls(history):
    """A loss that stays where it was: by too low a rate, too high a one, or since labels say nothing."""
    parts = fifths(history.losses)
    if parts is None or history.last_step < limits.NO_STEPS or history.works or parts[0] <= 0:
        return None
    fall = 1 - parts[-1] / parts[0]
    if fall >= limits.HARDLY:
        return None
    evidence = [f"the loss fell by {fall:.1%} over {history.last_step:,} steps, from {parts[0]:.3g} to {parts[-1]:.3g}"]
    usual = usual_peak(history.recipe)
    ratio = history_peak(history) / usual if usual else math.nan
    numbers = {"fall": fall, "rate_to_usual": ratio}
    if ratio <= 1 / limits.RATE:
        return _rate(history, "rate_too_low", LIKELY, evidence, numbers)
    if ratio >= limits.RATE:
        return _rate(history, "rate_too_high", LIKELY, evidence, numbers)
    return Cause(
        "not_learning",
        LIKELY,
        tuple(evidence),
        (
            Remedy(
                f"trizoo train --data {history.named_data} --model {history.recipe.model.name} --overfit 8", _OVERFIT
            ),
            Remedy(f"trizoo data show {history.shown_data} --augmented", "whether boxes or masks lie on the objects"),
            Remedy(f"{history.again} --find-lr", "whether another rate makes the loss fall"),
        ),
        numbers,
    )


_OVERFIT = "comes near 1 where labels and set-up are sound"


def not_overfit(history):
    """A run with --overfit that doesn't even learn its own images."""
    if not history.best_score < limits.OVERFIT_SCORE:
        return None
    number = history.recipe.data.overfit
    return Cause(
        "not_learning",
        LIKELY,
        (
            f"trained and measured on the same {number} images, {history.score_name} is {history.best_score:.3f}; "
            "near 1 is needed",
        ),
        (
            Remedy(f"trizoo data show {history.shown_data}", "whether boxes or masks lie on the objects"),
            Remedy(history.longer("--epochs", 2 * max(history.last_epoch, 1)), "more steps"),
            Remedy(f"{history.again} --find-lr", "another rate"),
        ),
        {"best": history.best_score},
    )


def _rate(history, kind, certainty, evidence, numbers):
    """A cause of the learning rate, with that of the recipe that comes with the zoo."""
    peak, usual = history_peak(history), usual_peak(history.recipe)
    there = f"the highest learning rate was {peak:.2g}"
    if usual:
        there += f", {peak / usual:.2g} times what the zoo's recipe of {history.recipe.model.name} takes ({usual:.2g})"
    wanted = peak / limits.RATE if kind == "rate_too_high" else peak * limits.RATE
    if usual and max(peak / usual, usual / peak) >= limits.RATE:
        wanted = usual
    remedies = [
        Remedy(f"{history.again} --lr {wanted:.2g}", "another rate"),
        Remedy(f"{history.again} --find-lr", "steps at growing rates, and a suggestion"),
    ]
    if kind == "rate_too_high" and not history.recipe.optimizer.clip_norm:
        remedies.append(Remedy("optimizer.clip_norm=10", "no step becomes longer than that"))
    numbers |= {"peak_lr": peak} | ({"usual_lr": usual} if usual else {})
    return Cause(kind, certainty, (*evidence, there), tuple(remedies), numbers)


def history_peak(history):
    """The highest learning rate that was logged, else that of the recipe."""
    rates = finite([*history.steps, *history.epochs], "lr")
    return float(rates.max()) if len(rates) else peak_lr(history.recipe.schedule, history.recipe.schedule.batch_size)


def usual_peak(recipe):
    """The peak rate of the zoo's recipe for this model, with as large a batch; None for another optimizer's."""
    base, overrides = base_of(recipe.model.name)
    usual = load(Recipe, base=base, overrides=overrides).recipe
    if usual.optimizer.name != recipe.optimizer.name:
        return None
    return peak_lr(usual.schedule, recipe.schedule.batch_size)


def too_few_steps(history):
    """A loss that falls steeply to the end, or hardly any step at all."""
    parts, steps, scores = fifths(history.losses), history.last_step, history.scores
    enough = limits.FEW_STEPS_PRETRAINED if history.pretrained else limits.FEW_STEPS
    begun = "with pretrained weights" if history.pretrained else "from scratch"
    evidence, numbers = [], {"steps": steps}
    if parts is not None and 0 < parts[-1] < (1 - limits.STEEP) * parts[-2]:
        numbers["fall_at_end"] = 1 - parts[-1] / parts[-2]
        evidence.append(
            f"the loss still fell steeply at the end: {parts[-1]:.3g} in the last fifth of the run, "
            f"{numbers['fall_at_end']:.0%} below the fifth before ({parts[-2]:.3g})"
        )
    rise = _rise_at_end(scores)
    if rise >= limits.SCORE_RISE:
        numbers["rise_at_end"] = rise
        evidence.append(
            f"{history.score_name} still rose at the end: {scores[-1, 1]:.3f}, {rise:.3f} above the best before"
        )
    certainty = LIKELY if "fall_at_end" in numbers or steps < limits.NO_STEPS else POSSIBLE
    if steps < enough and not (history.works and not evidence):
        evidence.append(f"{steps:,} steps are few {begun}, where {enough:,} or more are usual")
    elif not evidence:
        return None
    times = max(2, math.ceil(enough / max(steps, 1)))
    schedule = history.recipe.schedule
    length = ("--iterations", schedule.iterations) if schedule.iterations else ("--epochs", max(history.last_epoch, 1))
    remedies = [Remedy(history.longer(length[0], times * length[1]), f"{times} times as long in all")]
    remedies += with_weights(history)[:1]
    return Cause("too_few_steps", certainty, tuple(evidence), tuple(remedies), numbers)


def overfitting(history):
    """A validation loss that rises while training's falls, or a metric that was best long ago."""
    rows = [
        (record["epoch"], record["validation_loss"], record["loss"])
        for record in history.epochs
        if _is_finite(record.get("validation_loss")) and _is_finite(record.get("loss"))
    ]
    evidence, numbers, certainty = [], {}, POSSIBLE
    if len(rows) >= limits.LEAST_EVALUATIONS:
        epoch, unseen, seen = np.array(rows).T
        lowest = int(unseen.argmin())
        if (
            unseen[-1] > (1 + limits.GAP_RISE) * unseen[lowest] > 0
            and seen[-1] < (1 - limits.TRAIN_FALL) * seen[lowest]
        ):
            certainty = LIKELY
            numbers |= {"lowest_epoch": epoch[lowest], "lowest": unseen[lowest], "validation_loss": unseen[-1]}
            numbers |= {"gap": unseen[-1] - seen[-1]}
            evidence.append(
                f"the validation loss rose from {unseen[lowest]:.3g} (epoch {epoch[lowest]:.0f}, its lowest) to "
                f"{unseen[-1]:.3g}, while the training loss fell from {seen[lowest]:.3g} to {seen[-1]:.3g}"
            )
    scores = history.scores
    if len(scores) >= limits.LEAST_EVALUATIONS:
        best = int(scores[:, 1].argmax())
        share, drop = scores[best, 0] / history.last_epoch, scores[best, 1] - scores[-1, 1]
        if share <= limits.EARLY and drop >= limits.SCORE_DROP:
            numbers |= {"best_epoch": scores[best, 0], "drop": drop}
            evidence.append(
                f"{history.score_name} was best in epoch {scores[best, 0]:.0f} of {history.last_epoch} "
                f"({scores[best, 1]:.3f}) and is {scores[-1, 1]:.3f} at the end"
            )
    if not evidence:
        return None
    patient = f"{history.again} --set schedule.patience=20"
    return Cause(
        "overfitting",
        certainty,
        (*evidence, f"best.h5 is from the epoch of the best {best_metric(history.recipe)}, so that is not lost"),
        (
            *([] if history.recipe.schedule.patience else [Remedy(patient, "ends when nothing gets better")]),
            Remedy(f"trizoo data show {history.shown_data} --augmented", "how strong it is; docs/tricks.md has more"),
            *with_weights(history)[:1],
            Remedy("optimizer.weight_decay=0.001", "holds weights small"),
        ),
        numbers,
    )


def _rise_at_end(scores):
    """How far the best metric of the last fifth of evaluations is above the best before it; 0 of few."""
    last = len(scores) // limits.FIFTHS
    if len(scores) < limits.LEAST_EVALUATIONS or not last:
        return 0.0
    return float(scores[-last:, 1].max() - scores[:-last, 1].max())


def _after_warmup(history):
    """The finite logged losses behind the warm-up: float64 (N,)."""
    first = min(history.recipe.schedule.warmup, 0.5) * history.last_step
    return finite([record for record in history.steps if record["step"] > first], "loss")


def _leaps(losses):
    """How many times the median around it each loss is, of those that are SPIKE times or more: float64 (n,)."""
    if len(losses) <= limits.SPIKE_WINDOW:  # as many as are mirrored at each end
        return np.zeros(0)
    reach = limits.SPIKE_WINDOW
    padded = np.pad(losses, reach, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    around = np.concatenate([np.median(part, axis=1) for part in np.array_split(windows, len(losses) // 10_000 + 1)])
    ratios = losses / np.maximum(around, np.finfo(np.float64).tiny)
    return ratios[(ratios >= limits.SPIKE) & (around > 0)]


def _is_finite(value):
    return value is not None and math.isfinite(value)
