"""The report of a detector as files: pictures to look at, and the numbers behind each of them as JSON and CSV."""

import csv
import json
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.metrics.coco_protocol import RECALLS
from common.metrics.detection import measure, report


def write_report(folder, detections, truths, class_names, score=0.5):
    """Writes everything about a detector's results into a folder, and gives what `evaluate` gives.

    report.json                          what `evaluate` gives
    per_class.csv                        its "per_class"; average_precision.png and miss_rate.png draw columns of it
    precision_recall.csv, .png           precision at 101 recalls at IoU 0.5: the mean of a curve is the class's AP50
    score_curves.csv, .png               precision, recall and F1 over the score, at IoU 0.5
    confusion.csv, .png                  rows = truth, columns = prediction; the picture shows shares of a row

    The arguments are those of `evaluate`. Files are UTF-8; what isn't defined is null or an empty cell. A class name
    that no installed font can show stands as its index (`#3`) in the pictures. Missing folders are made, files of an
    earlier report replaced. Raises UserError where the folder can't be made, ValueError as `evaluate` does.
    """
    from common.metrics import plots  # matplotlib takes a second to import

    folder = Path(folder)
    measures = measure(detections, truths, class_names, score)
    result = report(measures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the report can't be written to {folder} ({error.strerror}); name a folder") from error
    text = json.dumps(result, ensure_ascii=False, allow_nan=False, indent=1)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    _write_tables(folder, measures, result)
    for name, figure in plots.draw_all(measures).items():
        figure.savefig(folder / f"{name}.png")
    return result


def _write_tables(folder, measures, result):
    """The CSV files of a report."""
    names = measures["class_names"]
    rows = result["per_class"]
    columns = list(next(iter(rows.values())))
    _write_csv(folder / "per_class.csv", ["class", *columns], ([name, *row.values()] for name, row in rows.items()))

    precision = measures["coco"]["precision"][0, ..., 0]  # (T, R, C, A) -> (R, C)
    table = np.column_stack([RECALLS.round(2), precision])
    _write_csv(folder / "precision_recall.csv", ["recall", *names], table.tolist())

    curves = measures["operating"]["curves"]
    _write_csv(
        folder / "score_curves.csv",
        ["class", "score", "precision", "recall", "F1"],
        (
            [name, *values]
            for label, name in enumerate(names)
            for values in zip(
                curves["score"].tolist(),
                *(curves[column][label].tolist() for column in ("precision", "recall", "F1")),
                strict=True,
            )
        ),
    )

    labels = result["confusion"]["labels"]
    matrix = result["confusion"]["matrix"]
    rows = ([label, *row] for label, row in zip(labels, matrix, strict=True))
    _write_csv(folder / "confusion.csv", ["truth / prediction", *labels], rows)


def _write_csv(path, header, rows):
    """One table, empty cells where a value is None or nan."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(["" if value is None or value != value else value for value in row] for row in rows)
