"""YOLO anchors: how they fit, k-means, and the command that puts better ones into a recipe."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.cli import run_command
from trizoo.commands.main import run
from trizoo.data.boxes.find import find_boxes
from trizoo.families import ARCHITECTURES
from trizoo.families.yolo.anchors import (
    AnchorReport,
    anchor_fit,
    best_possible_recall,
    fit_sizes,
    kmeans,
    parse_anchors,
)
from trizoo.ground.boxes import iou_wh
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.bccd import BCCD, needs_bccd

main = partial(run, "anchors", prog="trizoo anchors")

OBJECT = "<object><name>cell</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def sizes_around(centres, count=40, seed=1):
    """Sizes within 5 % of the centres: (k, 2) -> (k * count, 2)."""
    noise = np.random.default_rng(seed).uniform(0.95, 1.05, (count, len(centres), 2))
    return (noise * np.asarray(centres)).reshape(-1, 2)


def test_recall_counts_boxes_with_an_anchor_of_iou_one_half():
    anchors = [[10, 10], [40, 40]]
    sizes = [[10, 10], [20, 10], [20, 11], [40, 10]]
    # IoU with the better anchor: 1; 100 / 200; 10x10 gives 100 / 220, 40x40 gives 220 / 1600; 100 / 400 and 400 / 1600
    recall, mean_iou = best_possible_recall(sizes, anchors)
    assert recall == 2 / 4
    assert mean_iou == pytest.approx((1 + 1 / 2 + 100 / 220 + 1 / 4) / 4)
    assert best_possible_recall(sizes, anchors, threshold=0.45)[0] == 3 / 4
    assert anchor_fit(sizes, anchors).counts.tolist() == [4, 0]  # of equal ones the first


def test_without_boxes_recall_is_not_a_number():
    assert np.isnan(best_possible_recall(np.zeros((0, 2)), [[1, 1]])).all()
    assert anchor_fit(np.zeros((0, 2)), [[1, 1]]).counts.tolist() == [0]
    with pytest.raises(ValueError, match="anchors is empty"):
        anchor_fit([[1, 1]], np.zeros((0, 2)))


def test_fit_agrees_with_all_pairs_at_once_beyond_one_chunk():
    sizes = np.random.default_rng(0).uniform(1, 400, (20_001, 2))
    anchors = ARCHITECTURES["yolov3"].anchors
    overlaps = iou_wh(sizes, np.array(anchors, np.float64))
    fitted = anchor_fit(sizes, anchors)
    assert fitted.mean_iou == pytest.approx(overlaps.max(axis=1).mean(), rel=1e-12)
    assert fitted.counts.tolist() == np.bincount(overlaps.argmax(axis=1), minlength=9).tolist()


def test_sizes_come_out_as_the_network_sees_them():
    boxes = np.array([[0, 0, 100, 50], [10, 10, 20, 110]], np.float32)
    record = Record("a", Path("a.jpg"), (400, 200), boxes, np.zeros(2, np.int64))
    # 400x200 into 208x208: letterbox 208/400 = 0.52 both ways; stretch 0.52 and 208/200 = 1.04
    assert fit_sizes([record], (208, 208)) == pytest.approx(np.array([[52, 26], [5.2, 52]]))
    assert fit_sizes([record], (208, 208), "stretch") == pytest.approx(np.array([[52, 52], [5.2, 104]]))
    assert fit_sizes([record], (208, 208), "none") == pytest.approx(record.boxes[:, 2:] - record.boxes[:, :2])
    assert fit_sizes([Record("b", Path("b.jpg"), (4, 4))], (208, 208)).shape == (0, 2)
    assert fit_sizes([], (208, 208)).shape == (0, 2)
    with pytest.raises(ValueError, match="policy 'crop'"):
        fit_sizes([record], (208, 208), "crop")


def test_crowd_boxes_do_not_count():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 20, 20]], np.float32)
    record = Record("a", Path("a.jpg"), (100, 100), boxes, np.zeros(2, np.int64), crowd=np.array([True, False]))
    assert fit_sizes([record], (100, 100)).tolist() == [[20, 20]]


def test_kmeans_finds_the_centres_that_sizes_were_drawn_around():
    centres = np.array([[12, 30], [50, 20], [60, 90], [200, 150], [300, 310]])  # by area
    anchors = kmeans(sizes_around(centres), 5)
    assert anchors == pytest.approx(centres, rel=0.03)


def test_a_centre_is_the_median_of_its_sizes():
    sizes = np.exp(np.random.default_rng(0).normal(4, 0.5, (400, 2)))
    assert kmeans(sizes, 1)[0] == pytest.approx(np.median(sizes, axis=0))


def test_kmeans_is_the_same_for_the_same_seed_and_sorted_by_area():
    sizes = np.random.default_rng(5).uniform(5, 300, (500, 2))
    first, again, other = kmeans(sizes, 9, seed=3), kmeans(sizes, 9, seed=3), kmeans(sizes, 9, seed=4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.diff(first.prod(axis=1)) >= 0).all()


def test_kmeans_beats_random_choices_of_the_sizes():
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(4, 0.8, (800, 2)))
    found = best_possible_recall(sizes, kmeans(sizes, 6))[1]
    drawn = [best_possible_recall(sizes, sizes[rng.choice(800, 6, replace=False)])[1] for _ in range(50)]
    assert found > max(drawn) + 0.02


def test_kmeans_scales_with_the_sizes():
    sizes = np.random.default_rng(2).uniform(5, 300, (300, 2))
    assert kmeans(sizes * 4, 6) == pytest.approx(kmeans(sizes, 6) * 4)


def test_as_many_distinct_sizes_as_anchors_are_the_anchors():
    sizes = np.array([[30, 10], [5, 5], [100, 100]])
    assert kmeans(np.repeat(sizes, 20, axis=0), 3).tolist() == [[5, 5], [30, 10], [100, 100]]


def test_many_sizes_are_sampled():
    sizes = sizes_around([[12, 30], [60, 90]], count=15_000)
    assert kmeans(sizes, 2, restarts=2) == pytest.approx(np.array([[12, 30], [60, 90]]), rel=0.03)


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        (np.zeros((0, 2)), "0 boxes of 0 distinct sizes can't give 2 anchors"),
        ([[5, 5]] * 10, "10 boxes of 1 distinct sizes can't give 2 anchors"),
        ([[5, 5], [0, 7], [3, 0]], r"2 of 3 box sizes .* number 1, 0 x 7"),
        ([[5, 5], [np.nan, 7]], "1 of 2 box sizes"),
        ([[5, 5], [np.inf, 7]], "1 of 2 box sizes"),
    ],
)
def test_sizes_that_give_no_anchors_are_named(sizes, complaint):
    with pytest.raises(UserError, match=complaint):
        kmeans(sizes, 2)


def test_a_program_error_in_kmeans_is_a_value_error():
    with pytest.raises(ValueError, match="k is 0"):
        kmeans([[1, 1]], 0)
    with pytest.raises(ValueError, match=r"sizes has shape \(2,\)"):
        kmeans([1, 1], 1)


def test_new_anchors_are_worse_by_recall_first_and_mean_iou_second():
    sizes = np.array([[10, 10], [10, 10], [10, 10], [100, 100]])

    def worse(old, new):
        return AnchorReport.compare(sizes, old, new).worse

    # 10x10 reaches 3 of 4 boxes with mean (3 + 0.01) / 4; 12x12 too, with a lower mean; 10x10 and 60x60 reach 3 as
    # well (0.36 < 0.5); 9x9 and 80x80 reach all 4 (0.81, 0.64) with mean (2.43 + 0.64) / 4
    assert worse([[10, 10]], [[12, 12]])
    assert not worse([[12, 12]], [[10, 10]])
    assert not worse([[10, 10]], [[10, 10]])
    assert not worse([[10, 10], [60, 60]], [[9, 9], [80, 80]])  # more recall, lower mean
    assert worse([[9, 9], [80, 80]], [[10, 10], [60, 60]])


def test_the_report_shows_both_fits_and_every_anchor():
    text = str(AnchorReport.compare(np.array([[10, 10], [10, 20]]), [[10, 10], [300, 300]], [[10, 15.5]]))
    lines = text.splitlines()
    # 10x10: IoU 1 and 0.5; 10x15.5: 100 / 155 = 0.6452 and 155 / 200 = 0.775
    assert lines[0].startswith("2 boxes")
    assert lines[2].split()[:5] == ["best", "possible", "recall", "100.00%", "100.00%"]
    assert lines[3].split() == ["mean", "best", "IoU", "0.7500", "0.7101"]
    assert lines[6].split() == ["10", "x", "10", "2", "10", "x", "15.5", "2"]
    assert lines[7].split() == ["300", "x", "300", "0"]


def test_anchors_are_read_as_they_are_written_in_darknet_files():
    assert parse_anchors("81,82  10,14 37.5,58").tolist() == [[10, 14], [37.5, 58], [81, 82]]
    for text in ("10,14 23", "10,0", "a,b", "10,nan", "1,2,3", "inf,2"):
        with pytest.raises(UserError, match="is no anchor"):
            parse_anchors(text)
    with pytest.raises(UserError, match="no anchors"):
        parse_anchors(" ")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A VOC data set of 12 images, 200x100, with boxes about 20x20 and 60x30; the root of it."""
    root = tmp_path_factory.mktemp("细胞 data")
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(12):
        Image.new("RGB", (200, 100)).save(root / "JPEGImages" / f"{index}.jpg")
        small, large = rng.integers(18, 23, 2), rng.integers((55, 27), (66, 34))
        objects = OBJECT.format(*small) + OBJECT.format(*large)
        text = f"<annotation><size><width>200</width><height>100</height></size>{objects}</annotation>"
        (root / "Annotations" / f"{index}.xml").write_text(text)
    (root / "ImageSets" / "Main" / "train.txt").write_text("".join(f"{index}\n" for index in range(12)))
    return root


def test_the_command_writes_a_recipe_with_the_models_base(cells, tmp_path, capsys):
    path = tmp_path / "cells.yaml"
    assert main([str(cells), "--k", "6", "--input-size", "416x320", "--write", str(path)]) == 0
    recipe = load(Recipe, file=path).recipe
    assert recipe.model.name == "yolov3-tiny"
    assert (recipe.input_size, recipe.resize) == ((416, 320), "letterbox")
    printed = capsys.readouterr().out
    assert "24 boxes" in printed
    assert f"wrote {path}" in printed
    # 200x100 into 416x320: 2.08 times as large
    sizes = fit_sizes(find_boxes(cells).open("train").records, (416, 320))
    assert sizes.max() == pytest.approx(65 * 2.08, abs=2.1)
    assert best_possible_recall(sizes, recipe.model.anchors)[1] > 0.95


def test_anchors_of_images_as_they_are_belong_to_no_input_size(cells, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    assert main([str(cells), "--k", "6", "--policy", "none", "--write", str(path)]) == 0
    assert "these anchors belong to images as they are" in capsys.readouterr().out
    assert load(Recipe, file=str(path)).recipe.resize == "none"
    assert "input_size" not in path.read_text(encoding="utf-8")


def test_boxes_are_those_that_a_run_trains_on(cells, tmp_path, capsys):
    shutil.copytree(cells, tmp_path / "set")
    lists = tmp_path / "set" / "ImageSets" / "Main"
    (lists / "train.txt").rename(lists / "trainval.txt")
    assert main([str(tmp_path / "set"), "--k", "6"]) == 0
    assert "(trainval)" in capsys.readouterr().out


def test_the_command_prints_what_to_paste_and_writes_nothing_unasked(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(cells), "--against", "10,10 20,20"]) == 0
    assert "model:\n  anchors: [[" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_command_changes_only_the_anchors_of_a_recipe_there_is(cells, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("# mine\nseed: 7\n")
    assert main([str(cells), "--against", "10,10 20,20", "--write", str(path)]) == 0
    assert path.read_text().startswith("# mine\nseed: 7\nmodel:\n  anchors: [[")


@pytest.mark.parametrize(
    ("text", "against", "sentence"),
    [
        (
            "_base_: yolov4\n",
            "yolov3-tiny",
            "of yolov4, which has 9 anchors, and 6 are to be written; --against yolov4, or",
        ),
        ("model: {name: yolov3-tiny}\n", "10,10 20,20", "of yolov3-tiny, which has 6 anchors, and 2 are to be written"),
        ("_base_: ssd300-vgg16\n", "yolov3", "which has no anchors of a YOLO, and 9 are to be written; another file"),
    ],
)
def test_a_recipe_whose_heads_need_another_number_of_anchors_is_refused_and_stays(tmp_path, text, against, sentence):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"mine.yaml is a recipe .*{sentence}"):
        main(["no data", "--against", against, "--write", str(path)])
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "flags", "theirs"),
    [
        ("input_size: [608, 608]\n", (), "608x608 --policy letterbox"),
        ("input_size: [608, 320]\nresize: stretch\n", ("--input-size", "608x320"), "608x320 --policy stretch"),
        ("", ("--policy", "none"), "416x416 --policy letterbox"),
        ("", (), None),
        ("input_size: [608, 608]\nresize: none\n", ("--policy", "none"), None),
    ],
)
def test_a_recipe_of_another_input_size_or_resize_is_told(cells, tmp_path, capsys, text, flags, theirs):
    path = tmp_path / "mine.yaml"
    path.write_text(f"_base_: yolov3-tiny\n{text}")
    assert main([str(cells), "--k", "6", "--write", str(path), *flags]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert len(told) == (theirs is not None)
    if told:
        assert told[0].endswith(f"which these anchors aren't for; --input-size {theirs} would do")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "notes.yaml",
            "seed: 1\nshopping: [milk]\n",
            "notes.yaml has the key 'shopping', so it is no recipe and stays",
        ),
        ("notes.yaml", "[1, 2]\n", "notes.yaml holds no keys, so it is no recipe"),
        ("notes.yaml", "a: [\n", "notes.yaml is no YAML file"),
        ("notes.yaml", "\0", "notes.yaml is no YAML file"),
        ("notes.txt", "seed: 1\n", "notes.txt; the name of a recipe, which ends in .yaml, is needed"),
    ],
)
def test_what_is_no_recipe_is_refused_before_any_work_and_stays(tmp_path, name, text, sentence):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UserError) as error:
        main(["no data", "--write", str(path)])
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert path.read_text() == text


def test_a_new_recipe_needs_the_name_of_one_and_no_folder_yet(cells, tmp_path):
    with pytest.raises(UserError, match=r"cells\.json; the name of a recipe"):
        main([str(cells), "--write", str(tmp_path / "cells.json")])
    assert main([str(cells), "--k", "6", "--write", str(tmp_path / "new" / "cells.yml")]) == 0
    assert load(Recipe, file=tmp_path / "new" / "cells.yml").recipe.model.name == "yolov3-tiny"


def test_the_command_refuses_worse_anchors_and_writes_nothing(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("trizoo.commands.anchors.kmeans", lambda sizes, k, seed: np.ones((k, 2)))
    path, plot = tmp_path / "worse.yaml", tmp_path / "worse.png"
    path.write_text("seed: 7\n")
    assert main([str(cells), "--k", "6", "--write", str(path), "--plot", str(plot)]) == 1
    assert capsys.readouterr().err == "the new anchors fit these boxes worse; nothing was written, keep the old ones\n"
    assert path.read_text() == "seed: 7\n"
    assert not plot.exists()


def test_the_command_draws_a_plot(cells, tmp_path):
    path = tmp_path / "new" / "plot.png"
    for _ in range(2):  # its own earlier plot goes
        assert main([str(cells), "--k", "6", "--plot", str(path)]) == 0
    with Image.open(path) as plot:
        assert plot.size == (800, 800)
    with pytest.raises(UserError, match=r"no picture can be written to .*plot\.xyz; a name that ends in \.png"):
        main([str(cells), "--k", "6", "--plot", str(tmp_path / "plot.xyz")])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--k", "7"], "no model has 7 anchors"),
        (["--k", "6", "--against", "yolov3"], "--k 6 against 9 anchors"),
        (["--against", "yolov5"], "'yolov5' is no YOLO model; one of yolov3,"),
        (["--against", "10,x"], "'10,x'"),
        (["--input-size", "400"], "384x384 or 416x416"),
        (["--against", "1,1", "--input-size", "0"], "0x0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--split", "tarin"], "'tarin'"),
    ],
)
def test_bad_arguments_are_one_sentence_and_exit_code_2(cells, capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ending:
        run_command(lambda: main([str(cells), *arguments]))
    assert ending.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert complaint in error
    assert error.count("\n") == 1


@needs_bccd
def test_anchors_of_bccd_fit_it_far_better_than_those_of_coco():
    sizes = fit_sizes(find_boxes(BCCD).open("train").records, (416, 416))
    report = AnchorReport.compare(sizes, ARCHITECTURES["yolov3-tiny"].anchors, kmeans(sizes, 6))
    assert report.old.mean_iou < 0.71
    assert report.new.mean_iou > 0.86
    assert report.new.recall > 0.99
    assert not report.worse
