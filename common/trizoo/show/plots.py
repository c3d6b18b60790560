"""Plots of what a data set holds, from `trizoo.data.statistics`, as matplotlib Figures."""

import numpy as np

from trizoo.data.statistics import LARGE, SMALL
from trizoo.metrics.plots import Names
from trizoo.pictures.palette import class_colours, mask_colours
from trizoo.pictures.style import COLOURS

DOTS_PER_INCH = 110
WIDTH = 6.4  # inches
MOST_BARS = 40  # more classes than this: the most frequent ones
MOST_MAPS = 12  # more classes than this: those that cover most
UNEVEN = 50  # times as many of one class as of another: the axis is logarithmic
STEPS = 4  # bars from one size to its double
FULL = 8  # things a cell of a map on average, below which cells are joined
LEAST_CELLS = 8  # a side
GREY, PALE = "#888888", (225, 225, 225)


def draw_boxes(statistics, class_names):
    """{file stem: Figure} of `BoxStatistics`, none without a box."""
    if not len(statistics.sides):
        return {}
    colours, most_frequent = class_colours(len(class_names)), next(iter(statistics.sizes))
    texts = [f"{count:,}" for count in statistics.objects]
    return {
        "classes": _draw_classes(class_names, colours, statistics.objects, texts, "boxes of each class"),
        "sizes": _draw_sizes(statistics.sides),
        "shapes": _draw_ratios(statistics.ratios),
        "positions": _draw_map(statistics.centres, most_frequent, "where the boxes' centres lie"),
    }


def draw_points(statistics, class_names):
    """{file stem: Figure} of the `BoxStatistics` of marks, whose boxes have no size of their own."""
    return {
        name: figure for name, figure in draw_boxes(statistics, class_names).items() if name in ("classes", "positions")
    }


def draw_images(statistics, class_names):
    """{file stem: Figure} of `ClassStatistics`."""
    counts, colours = statistics.images, class_colours(len(class_names))
    texts = [f"{count:,}" for count in counts]
    return {"classes": _draw_classes(class_names, colours, counts, texts, "images of each class")}


def draw_masks(statistics, class_names):
    """{file stem: Figure} of `MaskStatistics`."""
    pixels = statistics.pixels
    texts = [f"{share:.2%}" for share in pixels / max(1, pixels.sum())]
    colours = mask_colours(len(class_names))
    colours[0] = PALE  # in pictures it has no colour of its own
    return {
        "classes": _draw_classes(class_names, colours, pixels, texts, "pixels of each class"),
        "positions": _draw_coverage(class_names, statistics),
    }


def _draw_classes(class_names, colours, values, texts, title):
    """Bars, the greatest on top -> Figure."""
    from matplotlib.ticker import EngFormatter  # here, as in `_figure`

    names, order = Names(class_names), np.argsort(-values, kind="stable")
    shown = order[:MOST_BARS][::-1]
    if len(order) > MOST_BARS:
        title += f", the {MOST_BARS} most frequent of {len(order)}"
    figure = _figure(max(1.6, 0.8 + 0.26 * len(shown)))
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    present = values[values > 0]
    uneven = len(present) > 0 and present.max() > UNEVEN * present.min()
    if uneven:
        axes.set_xscale("log")
        axes.set_xlim(present.min() / 2, present.max() * 4)
    else:
        axes.set_xlim(0, 1.18 * max(1, values.max()))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    bars = axes.barh(np.arange(len(shown)), values[shown], 0.75, color=colours[shown] / 255, edgecolor=GREY, lw=0.5)
    axes.bar_label(bars, [texts[label] for label in shown], padding=3, fontsize=8)
    axes.set_yticks(np.arange(len(shown)), [names.texts[label] for label in shown], fontsize=9)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    names.dress(axes.get_yticklabels(), shown)
    _bare(axes, ("top", "right"))
    return figure


def _draw_sizes(sides):
    """How many boxes are how large, with COCO's limits of small and large -> Figure."""
    axes = _draw_doublings(sides, "square root of a box's area [pixels]")
    small, large = int((sides < SMALL).sum()), int((sides > LARGE).sum())
    counts = small, len(sides) - small - large, large
    text = ", ".join(f"{count:,} {name}" for count, name in zip(counts, ("small", "medium", "large"), strict=True))
    axes.set_title(f"sizes of boxes: {text}", fontsize=10)
    for limit in (SMALL, LARGE):
        axes.axvline(np.log2(limit), color=COLOURS[1], linewidth=1, linestyle="--")
    axes.xaxis.set_major_formatter(lambda power, _: f"{2**power:g}")
    return axes.figure


def _draw_ratios(ratios):
    """How many boxes are how wide for their height -> Figure."""
    axes = _draw_doublings(ratios, "width : height of a box")
    axes.set_title(f"shapes of boxes: half of them between {_ratio(ratios, 25)} and {_ratio(ratios, 75)}", fontsize=10)
    axes.axvline(0, color=COLOURS[1], linewidth=1, linestyle="--")
    axes.xaxis.set_major_formatter(lambda power, _: f"{2**power:g}:1" if power >= 0 else f"1:{2**-power:g}")
    return axes.figure


def _ratio(ratios, percent):
    """That percentile as text: 1.5:1, 1:2."""
    value = np.percentile(ratios, percent)
    return f"{value:.2g}:1" if value >= 1 else f"1:{1 / value:.2g}"


def _draw_doublings(values, label):
    """A histogram over base-2 logarithms, whose ticks are a doubling apart -> matplotlib Axes."""
    powers = np.log2(values)
    low, high = int(np.floor(powers.min())), int(np.floor(powers.max())) + 1
    axes = _figure(3.4).add_subplot(xlabel=label, ylabel="boxes")
    axes.hist(powers, np.linspace(low, high, STEPS * (high - low) + 1), color=COLOURS[0], edgecolor="white", lw=0.5)
    axes.set_xticks(range(low, high + 1))
    axes.set_xlim(low, high)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    _bare(axes, ("top", "right"))
    return axes


def _draw_map(counts, size, title):
    """Counts (GRID, GRID) over an image of the most frequent size (width, height) -> Figure."""
    while counts.mean() < FULL and len(counts) > LEAST_CELLS:
        counts = sum(counts[row::2, column::2] for row in (0, 1) for column in (0, 1))
    figure = _figure(min(6.0, max(2.4, 0.8 + 5.2 * size[1] / size[0])))
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    picture = _show(axes, counts, size, counts.max())
    figure.colorbar(picture, label="boxes", shrink=0.8)
    return figure


def _draw_coverage(class_names, statistics):
    """A map a class of how often it covers a place, from never to its own most -> Figure."""
    names, coverage = Names(class_names), statistics.coverage
    size = next(iter(statistics.sizes))
    shown = np.sort(np.argsort(-coverage.mean(axis=(1, 2)), kind="stable")[:MOST_MAPS])
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = _figure(min(3.0, 0.35 + WIDTH / columns * size[1] / size[0]) * rows + 0.4)
    for number, label in enumerate(shown):
        axes, highest = figure.add_subplot(rows, columns, number + 1), coverage[label].max()
        _show(axes, coverage[label], size, max(1e-9, highest))
        names.dress([axes.set_title(f"{names.texts[label]}: 0 to {highest:.0%}", fontsize=9)], [label])
    masks = "masks" if statistics.looked_at > 1 else "mask"
    figure.suptitle(f"share of {statistics.looked_at} {masks} that has the class at a place", fontsize=10)
    return figure


def _show(axes, values, size, highest):
    """A map (GRID, GRID) in the shape of an image of this size -> matplotlib's image."""
    axes.set_xticks([])
    axes.set_yticks([])
    extent = (0, size[0], size[1], 0)
    return axes.imshow(values, cmap="viridis", vmin=0, vmax=highest, extent=extent, interpolation="nearest")


def _figure(height):
    """An empty Figure of this height in inches whose parts make room for each other."""
    from matplotlib.figure import Figure  # takes a second to import

    return Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, layout="constrained")


def _bare(axes, sides):
    for side in sides:
        axes.spines[side].set_visible(False)
