import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from trizoo.ground.errors import UserError
from trizoo.metrics import SegmentationMetrics, evaluate, segmentation, write_report, write_segmentation_report
from trizoo.metrics.detection import measure
from trizoo.metrics.plots import Names, draw_all, draw_confusion, draw_segmentation

NAMES = ("cat", "猫 кот", "_under $score$ \\frac", "line\nbreak \x00 \U0010fffe", " ")
PICTURES = {"precision_recall", "score_curves", "confusion", "average_precision", "miss_rate"}

SEGMENTATION_PICTURES = {"confusion", "iou", "precision_recall", "boundary_iou"}


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory, random_set):
    folder = tmp_path_factory.mktemp("any script") / "отчёт 报告" / "deeper"
    return folder, write_report(folder, *random_set(1), NAMES, score=0.3)


def test_a_report_is_what_evaluate_gives(written, random_set):
    folder, result = written
    assert result == evaluate(*random_set(1), NAMES, score=0.3)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == result


@pytest.fixture(scope="module")
def written_of_masks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any script") / "отчёт 报告" / "deeper"
    rng = np.random.default_rng(4)
    metrics = SegmentationMetrics(NAMES, boundary=True)
    truth = rng.integers(0, 4, (12, 16)).astype(np.uint8)  # the last class is absent
    metrics.add(np.where(rng.random(truth.shape) < 0.4, np.uint8(1), truth), truth)
    return folder, write_segmentation_report(folder, metrics.measure()), metrics


@pytest.mark.parametrize(("report", "pictures"), [("written", PICTURES), ("written_of_masks", SEGMENTATION_PICTURES)])
def test_every_picture_opens_and_is_not_blank(request, report, pictures):
    folder, *_ = request.getfixturevalue(report)
    assert {path.stem for path in folder.glob("*.png")} == pictures
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 200
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_per_class_table_holds_the_report(written):
    folder, result = written
    header, *rows = read_csv(folder / "per_class.csv")
    assert header[:3] == ["class", "AP50", "AP"]
    assert [row[0] for row in rows] == list(NAMES)
    assert float(rows[0][1]) == result["per_class"]["cat"]["AP50"]
    assert rows[4][1] == ""


def test_the_mean_of_a_precision_curve_is_the_ap50_of_its_class(written):
    folder, result = written
    header, *rows = read_csv(folder / "precision_recall.csv")
    assert header == ["recall", *NAMES]
    assert [row[0] for row in rows[:3]] == ["0.0", "0.01", "0.02"]
    assert len(rows) == 101
    assert np.mean([float(row[1]) for row in rows]) == pytest.approx(result["per_class"]["cat"]["AP50"])
    assert {row[5] for row in rows} == {""}


def test_the_score_curves_pass_through_the_operating_point(written):
    folder, result = written
    header, *rows = read_csv(folder / "score_curves.csv")
    assert header == ["class", "score", "precision", "recall", "F1"]
    assert len(rows) == 101 * len(NAMES)
    values = next(row[2:] for row in rows if row[:2] == ["cat", "0.3"])
    assert [float(value) for value in values] == [
        result["per_class"]["cat"][name] for name in ("precision", "recall", "F1")
    ]


def test_the_confusion_table_holds_the_matrix(written):
    folder, result = written
    header, *rows = read_csv(folder / "confusion.csv")
    assert header[1:] == [*NAMES, "background"]
    assert [[int(value) for value in row[1:]] for row in rows] == result["confusion"]["matrix"]


def test_a_report_on_masks_is_that_of_the_metrics(written_of_masks):
    folder, result, metrics = written_of_masks
    assert result == segmentation.report(metrics.measure())
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == result


def test_the_tables_of_a_report_on_masks_hold_it(written_of_masks):
    folder, result, _ = written_of_masks
    header, *rows = read_csv(folder / "per_class.csv")
    assert header == [
        *("class", "IoU", "precision", "recall", "F1", "boundary_IoU"),
        *("truth_pixels", "predicted_pixels"),
    ]
    assert [row[0] for row in rows] == list(NAMES)
    assert [float(value) for value in rows[0][1:]] == list(result["per_class"]["cat"].values())
    assert rows[4][1:] == ["", "", "", "", "", "0", "0"]
    header, *rows = read_csv(folder / "confusion.csv")
    assert header == ["truth / prediction", *NAMES]
    assert [[int(value) for value in row[1:]] for row in rows] == result["confusion"]["matrix"]


def test_the_confusion_of_pixels_is_drawn_in_per_cent():
    figure = draw_confusion(Names(("a", "b")), np.array([[300, 100], [0, 0]]), "shares of pixels", percent=True)
    axes = figure.axes[0]
    assert axes.get_title() == "shares of pixels"
    assert [text.get_text() for text in axes.texts] == ["75.0%", "25.0%"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a", "b"]


def test_the_confusion_of_boxes_says_at_which_score_and_iou(random_set):
    figure = draw_all(measure(*random_set(1), NAMES, score=0.3))["confusion"]
    assert figure.axes[0].get_title() == "score at least 0.3, IoU at least 0.5"


def test_numbers_grow_with_their_cells_and_stay_within():
    sizes = {}
    for classes, count in ((2, 7), (8, 1234), (8, 123456), (20, 123456)):
        names = Names([f"class {label}" for label in range(classes)])
        figure = draw_confusion(names, np.full((classes + 1, classes + 1), count), "counts")
        figure.draw_without_rendering()
        axes = figure.axes[0]
        sizes[classes, count] = axes.texts[0].get_fontsize()
        box = axes.texts[0].get_window_extent()
        cell = axes.get_window_extent().width / (classes + 1)
        assert max(box.width, box.height) < 1.05 * cell
    assert sizes[2, 7] > sizes[8, 1234] > sizes[8, 123456] > sizes[20, 123456] >= 4


def test_the_bars_of_a_report_on_masks_show_an_absent_class_as_absent():
    metrics = SegmentationMetrics(("a", "b"))
    metrics.add(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    figures = draw_segmentation(metrics.measure())
    assert set(figures) == SEGMENTATION_PICTURES - {"boundary_iou"}
    assert [text.get_text() for text in figures["iou"].axes[0].texts] == ["absent", "1.000"]


def test_a_report_on_no_masks_is_written(tmp_path):
    result = write_segmentation_report(tmp_path, SegmentationMetrics(("a",), boundary=True).measure())
    assert result["mIoU"] is None
    assert {path.stem for path in tmp_path.glob("*.png")} == SEGMENTATION_PICTURES


def test_a_report_of_nothing_is_written(tmp_path):
    result = write_report(tmp_path, [], [], ("a",))
    assert result["mAP50"] is None
    assert {path.stem for path in tmp_path.glob("*.png")} == PICTURES


def test_many_classes_are_drawn(tmp_path, found, truth):
    names = tuple(f"class {index}" for index in range(45))
    boxes = [[0, 0, 40, 40]]
    write_report(tmp_path, [found(boxes, [0.9], [7])], [truth(boxes, [7])], names)
    assert {path.stem for path in tmp_path.glob("*.png")} == PICTURES


def test_a_name_that_no_font_can_show_stands_as_its_index():
    names = Names(("cat", "\U0010fffe", "", "Straße"))
    assert names.texts == ["cat", "#1", "#2", "Straße"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(UserError, match=r"file \(File exists\); name a folder"):
        write_report(path, [], [], ("a",))


def test_importing_the_metrics_does_not_import_matplotlib():
    command = "import sys, trizoo.metrics; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
