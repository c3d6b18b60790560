"""A training log as a picture: loss terms and learning rate over steps, validation metrics over epochs."""

import io

import numpy as np

from trizoo.pictures.style import COLOURS

NOT_TERMS = ("kind", "step", "epoch", "lr")
VALIDATION = ("mAP50", "mAP", "mIoU")
WINDOW = 0.02  # of the steps logged: how many of them one smoothed point is the mean of


def draw_curves(records):
    """Records of a run's log (see trizoo.training.run) -> the bytes of a PNG file of 1000 x 700 pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), dpi=100, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # inches
    panels = figure.add_gridspec(2, 2, height_ratios=(3, 2))
    steps = [record for record in records if record["kind"] == "step"]
    epochs = [record for record in records if record["kind"] == "epoch"]
    _losses(figure.add_subplot(panels[0, :], xlabel="step"), steps, epochs)
    _learning_rate(figure.add_subplot(panels[1, 0], xlabel="step"), steps)
    _validation(figure.add_subplot(panels[1, 1], xlabel="epoch", ylim=(0, 1)), epochs)
    for axes, title in zip(figure.axes, ("Loss", "Learning rate", "Validation"), strict=True):
        axes.set_title(title, loc="left")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def smooth(values, window):
    """The mean of the finite values within `window` places, centred: (N,) -> (N,), nan where there is none."""
    kernel = np.ones(min(window, len(values)))
    finite = np.isfinite(values)
    count = np.convolve(finite, kernel, mode="same")
    total = np.convolve(np.where(finite, values, 0), kernel, mode="same")
    return np.where(count > 0.5, total / np.maximum(count, 1), np.nan)


def _losses(axes, steps, epochs):
    """Every term twice: as logged, faint, and smoothed, and the validation loss where it was measured.

    Logarithmic where the values span more than a hundredfold.
    """
    x = values_of(steps, "step")
    window = max(1, round(len(steps) * WINDOW)) | 1  # odd, so that the mean is centred
    lowest, highest = np.inf, 0.0
    numbers = (name for record in steps for name, value in record.items() if isinstance(value, int | float | None))
    names = dict.fromkeys(name for name in numbers if name not in NOT_TERMS)
    for i, name in enumerate(names):
        values = values_of(steps, name)
        smoothed = smooth(values, window)
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(x, values, color=colour, alpha=0.25, linewidth=0.8)
        axes.plot(x, smoothed, color=colour, label=name, **_line(smoothed))
        lowest, highest = np.nanmin([lowest, *smoothed]), np.nanmax([highest, *smoothed])
    unseen = [record for record in epochs if record.get("validation_loss") is not None]
    if unseen:
        values, gap = values_of(unseen, "validation_loss"), unseen[-1].get("loss_gap")
        label = "validation loss" if gap is None else f"validation loss (gap {gap:+.3g})"
        axes.plot(values_of(unseen, "step"), values, color="black", marker="o", markersize=3, label=label)
        lowest, highest = min(lowest, values.min()), max(highest, values.max())
    if 0 < lowest < highest / 100:
        axes.set_yscale("log")
    _finish(axes, "no step was logged yet")


def _learning_rate(axes, steps):
    values = values_of(steps, "lr")
    if len(steps):
        axes.plot(values_of(steps, "step"), values, color=COLOURS[0], **_line(values))
        axes.set_ylim(bottom=0)
    _finish(axes, "no step was logged yet", legend=False)


def _validation(axes, epochs):
    """Those metrics of VALIDATION that there are; the lines pass over epochs without an evaluation."""
    for i, name in enumerate(VALIDATION):
        evaluated = [record for record in epochs if record.get(name) is not None]
        x, values = values_of(evaluated, "epoch"), values_of(evaluated, name)
        if len(values):
            axes.plot(
                x, values, marker="o", markersize=3, color=COLOURS[i], label=f"{name} (best {np.nanmax(values):.3f})"
            )
    _finish(axes, "no evaluation yet")


def values_of(records, key):
    """A value of each record as float64 (N,), nan where it is no number or too large for one."""
    return np.array([_number(record.get(key)) for record in records], np.float64)


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _line(values):
    """How a line is drawn: with a dot where one point alone would be invisible."""
    return {"linewidth": 1.8, "marker": "o" if np.isfinite(values).sum() == 1 else ""}


def _finish(axes, when_empty, legend=True):
    axes.xaxis.get_major_locator().set_params(integer=True)
    if not axes.lines:
        axes.text(0.5, 0.5, when_empty, transform=axes.transAxes, ha="center", va="center", color="0.5")
    elif legend:
        # above the lines, beside the title
        columns = min(5, len(axes.get_legend_handles_labels()[1]))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, frameon=False, ncols=columns)
