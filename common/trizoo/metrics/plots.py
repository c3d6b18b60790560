"""The pictures of a report, from what `detection.measure` or `SegmentationMetrics.measure` gives.

Drawn with matplotlib's objects and without pyplot: no window, no global state, no display needed.
"""

import numpy as np

from trizoo.metrics.coco_protocol import RECALLS
from trizoo.metrics.detection import IOU_THRESHOLD
from trizoo.metrics.points import report_points
from trizoo.metrics.pool import mean_over_classes
from trizoo.pictures.fonts import label_faces
from trizoo.pictures.palette import class_colours
from trizoo.pictures.style import COLOURS, UNNAMED, shades

DOTS_PER_INCH = 110
MOST_NAMED_CURVES = 20  # more classes than this: one colour for all, and no legend
MOST_NUMBERED_CELLS = 40  # more classes than this: the confusion matrix has no numbers in its cells
MOST_NAMED_ROWS = 240  # more classes than this: its ticks are some of the classes' indices
WIDEST_MATRIX, HIGHEST_BARS = 40, 120  # inches
NO_TRUTH, ABSENT, UNDEFINED = "no ground truth", "absent", "not defined"  # instead of a bar
DIGIT = 0.62  # width of a digit, in sizes of its font
LEAST_FONT, LARGEST_FONT = 4, 18  # of a matrix's numbers, in points


def draw_all(measures):
    """{file stem: matplotlib Figure} of everything that a detector's report shows."""
    names = Names(measures["class_names"])
    coco, operating = measures["coco"], measures["operating"]
    ap50, ap = coco["per_class"]["AP50"], coco["per_class"]["AP"]
    return {
        "precision_recall": draw_precision_recall(names, coco["precision"][0, ..., 0].T, ap50),
        "score_curves": draw_score_curves(names, operating["curves"], measures["score"]),
        "confusion": draw_confusion(
            names, measures["confusion"], f"score at least {measures['score']:g}, IoU at least {IOU_THRESHOLD:g}"
        ),
        "average_precision": draw_bars(names, {"AP50": ap50, "AP": ap}, "average precision"),
        "miss_rate": draw_bars(names, {"LAMR": operating["LAMR"]}, "log-average miss rate (lower is better)"),
    }


def draw_segmentation(measures):
    """{file stem: matplotlib Figure} of everything that a report on masks shows."""
    names, per_class = Names(measures["class_names"]), measures["per_class"]
    figures = {
        "confusion": draw_confusion(names, measures["matrix"], "shares of all pixels of a class", percent=True),
        "iou": draw_bars(names, {"IoU": per_class["IoU"]}, "intersection over union", ABSENT),
    }
    columns = {name: per_class[name] for name in ("F1", "precision", "recall")}
    figures["precision_recall"] = draw_bars(names, columns, "F1, precision and recall of the pixels", UNDEFINED)
    if "boundary_IoU" in per_class:
        columns = {"boundary IoU": per_class["boundary_IoU"], "IoU": per_class["IoU"]}
        figures["boundary_iou"] = draw_bars(names, columns, "intersection over union of the boundaries", ABSENT)
    return figures


def draw_keypoints(measures):
    """{file stem: matplotlib Figure} of everything that a report on marks shows, from `measure_points`."""
    names, rows = Names(measures["class_names"]), report_points(measures)["per_class"]
    columns = {
        name: np.array([np.nan if row[name] is None else row[name] for row in rows.values()])
        for name in ("F1", "precision", "recall")
    }
    title = f"pairs at most {measures['radius']:g} pixels apart"
    return {
        "confusion": draw_confusion(names, measures["confusion"], title),
        "distances": draw_distances(names, measures["distances"], measures["radius"]),
        "precision_recall": draw_bars(names, columns, f"F1, precision and recall, {title}", UNDEFINED),
    }


def draw_classification(measures):
    """{file stem: matplotlib Figure} of everything that a classifier's report shows."""
    names, bins = Names(measures["class_names"]), measures["bins"]
    return {
        "confusion": draw_confusion(names, measures["matrix"], "images"),
        "precision_recall": draw_bars(names, measures["per_class"], "F1, precision and recall", UNDEFINED),
        "calibration": draw_calibration(bins, measures["calibration_error"]),
    }


class Names:
    """Class names as matplotlib can show them: each with a font that has its letters, else `#index`."""

    def __init__(self, class_names):
        faces = label_faces(tuple(class_names))
        self.texts = [text for text, _ in faces]
        self.fonts = [font for _, font in faces]

    def __len__(self):
        return len(self.texts)

    def dress(self, artists, labels):
        """Gives matplotlib Texts that show the names of these classes their fonts; a "$" stays a "$"."""
        from matplotlib.font_manager import FontProperties

        for artist, label in zip(artists, labels, strict=True):
            artist.set_parse_math(False)
            artist.set_fontproperties(FontProperties(fname=self.fonts[label], size=artist.get_fontsize()))


def draw_precision_recall(names, precision, ap50):
    """Precision over recall at IoU 0.5 -> Figure.

    Args:
        names: the `Names` of the classes
        precision: (C, 101), at the recalls of RECALLS
        ap50: (C,)
    """
    figure = make_figure(8, 6)
    axes = figure.add_subplot(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"precision and recall at IoU 0.5, mean AP50 {mean_over_classes(ap50):.3f}")
    suffixes = [f"  {value:.3f}" for value in ap50]
    _draw_curves(axes, names, RECALLS, precision, suffixes)
    return figure


def draw_score_curves(names, curves, score):
    """Precision, recall and F1 over the score, and a line at the operating point -> Figure.

    Args:
        names: the `Names` of the classes
        curves: {"score": (S,), "precision", "recall", "F1": (C, S)}
        score: the operating point's
    """
    figure = make_figure(17, 5)
    f1 = _mean_curve(curves["F1"])
    for index, name in enumerate(("precision", "recall", "F1")):
        axes = figure.add_subplot(1, 3, index + 1, xlabel="score", ylabel=name, xlim=(0, 1), ylim=(0, 1.02))
        _draw_curves(axes, names, curves["score"], curves[name], legend=name == "F1")
        axes.axvline(score, color="black", linewidth=0.8, linestyle=":")
    if not np.isnan(f1).all():
        best = np.nanargmax(f1)
        axes.set_title(f"best mean F1 {f1[best]:.3f} at score {curves['score'][best]:.2f}")
    return figure


def draw_confusion(names, matrix, title, percent=False):
    """Shares of each row, with the counts or the shares in per cent in the cells -> Figure.

    Args:
        names: the `Names` of the classes
        matrix: int (C + 1, C + 1), the last of which is the background, or (C, C)
        title: what is counted
        percent: whether cells say shares, not counts
    """
    numbered = len(names) <= MOST_NUMBERED_CELLS
    side = min(4 + (0.35 if numbered else 0.15) * len(matrix), WIDEST_MATRIX)
    figure = make_figure(side + 1, side)
    axes = figure.add_subplot(xlabel="prediction", ylabel="truth", title=title)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(share, cmap=shades(), vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(picture, label="share of the row", shrink=0.5)
    if len(names) <= MOST_NAMED_ROWS:
        for axis, rotation in ((axes.xaxis, 90), (axes.yaxis, 0)):
            texts = [*names.texts, "background"][: len(matrix)]
            axis.set_ticks(np.arange(len(texts)), texts, rotation=rotation, fontsize=8)
            names.dress(axis.get_ticklabels()[: len(names)], range(len(names)))
    if numbered:
        cells = [(*at, f"{share[*at]:.1%}" if percent else f"{matrix[*at]}") for at in np.argwhere(matrix).tolist()]
        size = _number_size(figure, axes, len(matrix), max((len(text) for *_, text in cells), default=1))
        for row, column, text in cells:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size, in_layout=False)
    return figure


def _number_size(figure, axes, cells, digits):
    """The font size, in points, at which numbers of so many digits fill the cells of a square of (cells, cells)."""
    figure.draw_without_rendering()  # lays it out
    box = axes.get_window_extent()
    cell = min(box.width, box.height) / cells * 72 / figure.dpi
    return min(max(min(0.8 * cell / (DIGIT * digits), 0.45 * cell), LEAST_FONT), LARGEST_FONT)


def draw_distances(names, distances, radius):
    """The share of each class's pairs that are no farther apart than that -> Figure.

    Args:
        names: the `Names` of the classes
        distances: float (P,) in pixels, of each class
        radius: the greatest
    """
    figure = make_figure(8, 5)
    axes = figure.add_subplot(xlabel="distance in pixels", ylabel="share of the pairs", xlim=(0, radius))
    axes.set_ylim(0, 1.02)
    axes.set_title("how far marks found lie from the true ones")
    x = np.linspace(0, radius, 301)
    shares = np.full((len(distances), len(x)), np.nan)
    for label, of_class in enumerate(distances):
        if len(of_class):
            shares[label] = np.searchsorted(np.sort(of_class), x, side="right") / len(of_class)
    _draw_curves(axes, names, x, shares, place="lower right")
    return figure


def draw_calibration(bins, error):
    """How often images are right over how sure the network is of them -> Figure.

    Args:
        bins: {"images", "confidence", "accuracy"}: (N,) each
        error: the expected calibration error
    """
    figure, number = make_figure(6, 6), len(bins["images"])
    axes = figure.add_subplot(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"expected calibration error {error:.3f}")
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
    middles = (np.arange(number) + 0.5) / number
    bars = axes.bar(middles, np.nan_to_num(bins["accuracy"]), 0.9 / number, color=COLOURS[0])
    axes.bar_label(bars, [str(count) if count else "" for count in bins["images"].tolist()], padding=2, fontsize=6)
    return figure


def draw_bars(names, columns, title, missing=NO_TRUTH):
    """One or more values in [0, 1] by class as bars, the greatest of the first column on top -> Figure.

    Args:
        names: the `Names` of the classes
        columns: {name: (C,)}; a class without a value has the word `missing` instead of a bar
    """
    first = next(iter(columns.values()))
    order = np.argsort(np.nan_to_num(first, nan=-1), kind="stable")
    figure = make_figure(8, min(1.5 + 0.28 * len(names), HIGHEST_BARS))
    axes = figure.add_subplot(xlim=(0, 1.1), title=title)
    thickness = 0.8 / len(columns)
    for index, (name, values) in enumerate(columns.items()):
        places = np.arange(len(names)) + 0.4 - thickness * (index + 0.5)
        lengths = values[order]
        legend_entry = f"{name}: mean {mean_over_classes(values):.3f}"
        bars = axes.barh(places, np.nan_to_num(lengths), thickness, color=COLOURS[index], label=legend_entry)
        texts = [missing if np.isnan(length) else f"{length:.3f}" for length in lengths]
        axes.bar_label(bars, texts, padding=2, fontsize=6, in_layout=False)
    axes.set_yticks(np.arange(len(names)), [names.texts[label] for label in order], fontsize=8)
    axes.set_ylim(-0.6, len(names) - 0.4)
    names.dress(axes.get_yticklabels(), order)
    figure.legend(loc="outside lower center", ncols=len(columns), fontsize=8)
    return figure


def _draw_curves(axes, names, x, curves, suffixes=None, legend=True, place="lower left"):
    """A thin line for each class (C, N), a thick one for the mean, and a legend where it can be read."""
    named = len(names) <= MOST_NAMED_CURVES
    of_classes = class_colours(len(names)) / 255  # as in pictures of them
    colours = [of_classes[label] if named else UNNAMED for label in range(len(names))]
    drawn = [label for label in range(len(names)) if not np.isnan(curves[label]).all()]
    lines = [axes.plot(x, curves[label], color=colours[label], linewidth=1)[0] for label in drawn]
    lines += axes.plot(x, _mean_curve(curves), color=COLOURS[0], linewidth=2.5)
    axes.grid(alpha=0.3)
    if legend:
        shown = drawn if named else []
        handles, labels = [lines[-1], *lines[: len(shown)]], ["mean", *map(str, shown)]
        legend = axes.legend(handles, labels, loc=place, fontsize=8)
        entries = legend.get_texts()[1:]
        for entry, label in zip(entries, shown, strict=True):
            # Not as the legend's labels above: one that begins with "_" would be left out.
            entry.set_text(names.texts[label] + (suffixes[label] if suffixes else ""))
        names.dress(entries, shown)


def _mean_curve(curves):
    """Mean over the classes that have a value: (C, N) -> (N,), nan where none has one."""
    defined = ~np.isnan(curves)
    total = np.where(defined, curves, 0).sum(axis=0)
    counts = defined.sum(axis=0)
    return np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)


def make_figure(width, height):
    """An empty Figure of this size in inches whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
