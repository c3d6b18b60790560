"""A report on vectors as files, and its plot."""

import numpy as np

from trizoo.metrics.curves import begin, save, write_csv, write_per_class
from trizoo.metrics.embedding import report

BINS = 60  # of similarities


def write_embedding_report(folder, measures):
    """Writes all that `EmbeddingMetrics.measure` gave into a folder, and gives `trizoo.metrics.embedding.report` of it.

    report.json                          what `report` gives
    per_class.csv                        its "per_class"
    similarities.csv, .png               of each image the greatest similarity to its class and to others

    Files, names and errors are as `trizoo.metrics.curves.write_report` has them.
    """
    result = report(measures)
    folder = begin(folder, result)
    write_per_class(folder, result)
    names, columns = measures["class_names"], (measures["of_same"].tolist(), measures["of_other"].tolist())
    rows = ([names[label], *values] for label, *values in zip(measures["labels"].tolist(), *columns, strict=True))
    write_csv(folder / "similarities.csv", ["class", "to its class", "to others"], rows)
    save(folder, {"similarities": draw_similarities(measures)})
    return result


def draw_similarities(measures):
    """How similar the nearest image of one's class is, and the nearest of another -> matplotlib's Figure."""
    from trizoo.metrics.plots import make_figure  # matplotlib takes a second to import
    from trizoo.pictures.style import COLOURS

    figure = make_figure(8, 4.5)
    axes = figure.subplots()
    for name, key, colour in (("its own class", "of_same", COLOURS[0]), ("another class", "of_other", COLOURS[1])):
        values = measures[key][~np.isnan(measures[key])]
        axes.hist(values, BINS, range=(-1, 1), alpha=0.6, label=f"nearest image of {name}", color=colour)
    if not np.isnan(measures["threshold"]):
        axes.axvline(measures["threshold"], color="0.3", linestyle="--", label=f"threshold {measures['threshold']:.2f}")
    axes.set_xlabel("similarity (cosine)")
    axes.set_ylabel("images")
    axes.legend()
    return figure
