"""A report as files: pictures to look at, and the numbers behind each of them as JSON and CSV."""

import csv
import json
from pathlib import Path

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing, write_atomically, write_from_memory
from trizoo.metrics import classification, points, segmentation
from trizoo.metrics.coco_protocol import RECALLS
from trizoo.metrics.detection import measure, report


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
    from trizoo.metrics import plots  # matplotlib takes a second to import

    measures = measure(detections, truths, class_names, score)
    result = report(measures)
    folder = begin(folder, result)
    _write_tables(folder, measures, result)
    save(folder, plots.draw_all(measures))
    return result


def write_segmentation_report(folder, measures):
    """Writes everything that `SegmentationMetrics.measure` gave into a folder, and gives `segmentation.report` of it.

    report.json                          what `segmentation.report` gives
    per_class.csv                        its "per_class"; iou.png, precision_recall.png and, where boundary IoU was
                                         measured, boundary_iou.png draw columns of it
    confusion.csv, .png                  pixels, rows = truth, columns = prediction; the picture shows shares of a row

    Files, names and errors are as `write_report` has them.
    """
    from trizoo.metrics import plots  # matplotlib takes a second to import

    result = segmentation.report(measures)
    folder = begin(folder, result)
    write_per_class(folder, result)
    _write_confusion(folder, result)
    save(folder, plots.draw_segmentation(measures))
    return result


def write_keypoint_report(folder, detections, truths, class_names):
    """Writes everything about marks into a folder, and gives what `trizoo.metrics.points.evaluate_points` gives.

    report.json                          what that gives
    per_class.csv                        its "per_class"; precision_recall.png draws columns of it
    confusion.csv, .png                  marks, rows = truth, columns = prediction; the picture shows shares of a row
    distances.csv, .png                  how far each pair is apart, in pixels, and the share below each distance

    Files, names and errors are as `write_report` has them.
    """
    from trizoo.metrics import plots  # matplotlib takes a second to import

    measures = points.measure_points(detections, truths, class_names)
    result = points.report_points(measures)
    folder = begin(folder, result)
    write_per_class(folder, result)
    _write_confusion(folder, result)
    pairs = zip(class_names, measures["distances"], strict=True)
    rows = ([name, distance] for name, distances in pairs for distance in sorted(distances.tolist()))
    write_csv(folder / "distances.csv", ["class", "distance"], rows)
    save(folder, plots.draw_keypoints(measures))
    return result


def write_classification_report(folder, measures):
    """Writes all that `ClassificationMetrics.measure` gave into a folder, and gives `classification.report` of it.

    report.json                          what `classification.report` gives
    per_class.csv                        its "per_class"; precision_recall.png draws columns of it
    confusion.csv, .png                  images, rows = truth, columns = prediction; the picture shows shares of a row
    calibration.csv, .png                how often images of a confidence are right

    Files, names and errors are as `write_report` has them.
    """
    from trizoo.metrics import plots  # matplotlib takes a second to import

    result = classification.report(measures)
    folder = begin(folder, result)
    write_per_class(folder, result)
    _write_confusion(folder, result)
    write_csv(folder / "calibration.csv", [*measures["bins"]], zip(*measures["bins"].values(), strict=True))
    save(folder, plots.draw_classification(measures))
    return result


def begin(folder, result):
    """Makes the folder, with report.json in it -> Path. Raises UserError where that isn't possible."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the report can't be written to {folder} ({error.strerror}); name a folder") from error
    text = json.dumps(result, ensure_ascii=False, allow_nan=False, indent=1)
    write_atomically(folder / "report.json", text + "\n")
    return folder


def save(folder, figures):
    """The pictures of a report: {file stem: Figure}."""
    for name, figure in figures.items():
        with replacing(folder / f"{name}.png") as path:
            write_from_memory(path, lambda file, figure=figure: figure.savefig(file, format="png"))


def _write_tables(folder, measures, result):
    """The CSV files of a detector's report."""
    names = measures["class_names"]
    write_per_class(folder, result)

    precision = measures["coco"]["precision"][0, ..., 0]  # (T, R, C, A) -> (R, C)
    table = np.column_stack([RECALLS.round(2), precision])
    write_csv(folder / "precision_recall.csv", ["recall", *names], table.tolist())

    curves = measures["operating"]["curves"]
    write_csv(
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

    _write_confusion(folder, result)


def write_per_class(folder, result):
    """A row for each class."""
    rows = result["per_class"]
    columns = list(next(iter(rows.values())))
    write_csv(folder / "per_class.csv", ["class", *columns], ([name, *row.values()] for name, row in rows.items()))


def _write_confusion(folder, result):
    """The confusion matrix, with the names of its rows and columns."""
    labels = result["confusion"]["labels"]
    matrix = result["confusion"]["matrix"]
    rows = ([label, *row] for label, row in zip(labels, matrix, strict=True))
    write_csv(folder / "confusion.csv", ["truth / prediction", *labels], rows)


def write_csv(path, header, rows):
    """One table, empty cells where a value is None or nan."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(["" if value is None or value != value else value for value in row] for row in rows)
