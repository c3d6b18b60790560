"""A report on labels of whole images as files, and its plots."""

from trizoo.metrics.curves import begin, save, write_per_class
from trizoo.metrics.multilabel import report


def write_multilabel_report(folder, measures):
    """Writes all that `MultilabelMetrics.measure` gave into a folder, and gives `trizoo.metrics.multilabel.report`.

    report.json                          what `report` gives
    per_class.csv                        its "per_class"; the pictures draw columns of it

    Files, names and errors are as `trizoo.metrics.curves.write_report` has them.
    """
    result = report(measures)
    folder = begin(folder, result)
    write_per_class(folder, result)
    save(folder, draw_multilabel(measures))
    return result


def draw_multilabel(measures):
    """{file stem: matplotlib Figure} of everything that a multi-label classifier's report shows."""
    from trizoo.metrics.plots import UNDEFINED, Names, draw_bars  # matplotlib takes a second to import

    names, per_class = Names(measures["class_names"]), measures["per_class"]
    columns = {name: per_class[name] for name in ("F1", "precision", "recall")}
    return {
        "average_precision": draw_bars(names, {"AP": per_class["AP"]}, "average precision"),
        "precision_recall": draw_bars(
            names, columns, f"F1, precision and recall at a score of {measures['score']:g}", UNDEFINED
        ),
    }
