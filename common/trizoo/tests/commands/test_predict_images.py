"""What predict makes of many images: some unreadable, some in awkward folders; killed in the middle."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.predict import predict
from trizoo.ground.errors import UserError
from trizoo.ground.lock import Lock
from trizoo.tests.testing import FakeFramework

# predicts on a framework that stops for good at its third batch, once two lines have been said
HANGING = """
import sys, threading
from trizoo.commands.predict import predict
from trizoo.tests.testing import FakeFramework

class Hanging(FakeFramework):
    def predictor(self, *given):
        usual, batches = super().predictor(*given), iter(range(2))
        return lambda images: usual(images) if next(batches, None) is not None else threading.Event().wait()

predict(Hanging(), sys.argv[1:])
"""


@pytest.fixture
def photos(tmp_path):
    """Five pictures in a folder."""
    (tmp_path / "photos").mkdir()
    for number in range(5):
        Image.new("RGB", (40, 30), (50 * number,) * 3).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def run(weights, photos, tmp_path):
    """predict.py over the photos with these flags -> its exit code; results go to out/."""
    flags = ["--weights", weights, "--out", str(tmp_path / "out"), "--confidence", "0.001"]
    return lambda *more: predict(FakeFramework(), [str(photos), *flags, *more])


def test_an_unreadable_picture_costs_that_picture_alone(run, photos, tmp_path, capsys):
    (photos / "1.png").write_bytes(b"no picture")
    data = (photos / "3.png").read_bytes()
    (photos / "3.png").write_bytes(data[: len(data) // 2])
    assert run("--json", "--batch-size", "2") == 1
    shown = capsys.readouterr()
    error = shown.err.splitlines()
    assert "\n2 of what was given couldn't be read\n" in shown.out
    assert [line.partition(".png")[0] for line in error] == [f"error: image {photos}/1", f"error: image {photos}/3"]
    results = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert [Path(result["image"]).name for result in results] == ["0.png", "2.png", "4.png"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["0.png", "2.png", "4.png"]


def test_the_exit_code_says_whether_anything_could_be_read(run, photos, capsys):
    for path in photos.glob("*.png"):
        path.write_bytes(b"no picture")
    assert run() == 2
    assert "\n5 of what was given couldn't be read\n" in capsys.readouterr().out


def test_a_picture_that_can_be_read_for_the_network_alone_costs_that_picture(run, tmp_path, capsys, monkeypatch):
    def read(path, at_least=None):
        if at_least is None and path.name == "2.png":
            raise UserError(f"image {path} is truncated")
        return np.zeros((30, 40, 3), np.uint8)

    monkeypatch.setattr("trizoo.data.photo.read_image", read)
    assert run("--json") == 1
    assert capsys.readouterr().err.count("2.png is truncated") == 1
    assert len(json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))) == 4
    assert not (tmp_path / "out" / "2.png").exists()


def test_a_killed_predict_leaves_a_whole_line_of_each_image_that_was_done(weights, photos, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", HANGING, str(photos), "--weights", weights, "--out", str(out), "--json"]
    with subprocess.Popen([*command, "--batch-size", "1"], stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline() for _ in range(3)]
        process.kill()
    assert [line.partition(": ")[0] for line in said[1:]] == [f"{photos}/0.png", f"{photos}/1.png"]
    lines = (out / "detections.jsonl").read_text(encoding="utf-8")
    assert lines.endswith("\n")
    assert [Path(json.loads(line)["image"]).name for line in lines.splitlines()] == ["0.png", "1.png"]
    assert not (out / "detections.json").exists()


@pytest.mark.parametrize("name", ["out/crops", "out/deep"])
def test_a_file_where_a_folder_of_results_would_be_is_told_before_any_work(run, photos, tmp_path, name):
    assert run("--json") == 0
    (photos / "deep").mkdir()
    Image.new("RGB", (9, 9)).save(photos / "deep" / "a.png")
    (tmp_path / name).write_text("precious", encoding="utf-8")
    before = (tmp_path / "out" / "detections.json").read_bytes()
    with pytest.raises(UserError, match=rf"can't be written, since .*{name} takes no files"):
        run("--json", "--crop", "--weights", "nothing.h5")
    assert (tmp_path / "out" / "detections.json").read_bytes() == before


def test_a_folder_where_a_picture_would_be_is_told_before_any_work(run, tmp_path):
    assert run() == 0
    (tmp_path / "out" / "2.png").unlink()
    (tmp_path / "out" / "2.png").mkdir()
    with pytest.raises(UserError, match=r"the result .*2\.png can't be written, since a folder is there"):
        run("--weights", "nothing.h5")


def test_images_with_as_many_detections_as_are_kept_are_told_of(run, tmp_path, capsys):
    assert run("--no-pictures", "--json", "--max-detections", "7") == 0
    line = "5 images have as many detections as are kept, 7 an image; there may be more (--max-detections N)"
    assert line in capsys.readouterr().out.splitlines()
    results = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert {len(result["detections"]) for result in results} == {7}
    assert run("--no-pictures", "--max-detections", "100000") == 0
    assert "as many detections as are kept" not in capsys.readouterr().out


def test_only_the_classes_that_were_asked_for_are_shown_and_written(run, tmp_path):
    assert run("--json", "--classes", "square", "circle") == 0
    results = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert {name for result in results for name in result["counts"]} == {"circle", "square"}
    with pytest.raises(
        UserError, match=r"--classes has 'sqare', which the model doesn't know; did you mean 'square'\?"
    ):
        run("--classes", "sqare")


@pytest.mark.parametrize(("size", "legal"), [("96x64", True), ("100x64", False)])
def test_an_input_size_is_the_networks_where_it_takes_it(run, monkeypatch, size, legal):
    shapes = set()
    usual = FakeFramework.predictor

    def predictor(*given):
        predict = usual(*given)
        return lambda images: (shapes.add(images.shape[1:3]), predict(images))[1]

    monkeypatch.setattr(FakeFramework, "predictor", predictor)
    if legal:
        assert run("--no-pictures", "--input-size", size) == 0
        assert shapes == {(64, 96)}
    else:
        with pytest.raises(UserError, match="the nearest that fit: 96x64 or 128x64"):
            run("--no-pictures", "--input-size", size)


def test_the_forms_of_others_lie_beside_json_and_voc(run, photos, tmp_path):
    (photos / "labels").mkdir()
    Image.new("RGB", (40, 30)).save(photos / "labels" / "77.png")
    assert run("--json", "--coco", "--yolo", "--voc", "--max-detections", "3") == 0
    out = tmp_path / "out"
    coco = json.loads((out / "coco.json").read_text(encoding="utf-8"))
    results = json.loads((out / "detections.json").read_text(encoding="utf-8"))
    assert [entry["image_id"] for entry in coco] == [
        int(Path(r["image"]).stem) for r in results for _ in r["detections"]
    ]
    assert [entry["category_id"] for entry in coco] == [d["label"] + 1 for r in results for d in r["detections"]]
    assert len((out / "labels" / "0.txt").read_text(encoding="utf-8").splitlines()) == 3
    assert (out / "classes.txt").read_text(encoding="utf-8") == "circle\nsquare\ntriangle\n"
    assert (out / "labels" / "labels_2" / "77.txt").is_file()
    assert (out / "labels_2" / "77.png").is_file()
    assert (out / "labels_2" / "77.xml").is_file()


def test_lines_labels_and_counts_of_a_picture_are_as_they_are_asked_for(run, photos, tmp_path):
    Image.new("RGB", (400, 300)).save(photos / "1.png")
    pictures = []
    for flags in ([], ["--hide-labels"], ["--line-width", "4"], ["--count"]):
        assert run(*flags, "--max-detections", "2") == 0
        with Image.open(tmp_path / "out" / "1.png") as picture:
            pictures.append(picture.tobytes())
    assert len(set(pictures)) == 4


@pytest.mark.parametrize("flags", [["--tiles", "24", "--overlap", "0.5"], ["--tta"], ["--tta-scales", "2"]])
def test_images_are_looked_at_in_tiles_mirrored_and_at_other_sizes(run, flags, tmp_path, monkeypatch):
    seen = []
    usual = FakeFramework.predictor

    def predictor(*given):
        predict = usual(*given)
        return lambda images: (seen.append(len(images)), predict(images))[1]

    monkeypatch.setattr(FakeFramework, "predictor", predictor)
    assert run("--no-pictures", "--json", *flags) == 0
    assert sum(seen) == (5 * 3 * 2 if "--tiles" in flags else 5 * 2)  # 40x30: 16 / 12 and 6 / 12 make 2 gaps and 1


def test_heat_maps_lie_in_a_folder_of_their_own_and_take_one_look(run, tmp_path):
    assert run("--heatmap", "--no-pictures") == 0
    maps = sorted((tmp_path / "out" / "heatmaps").iterdir())
    assert [path.name for path in maps] == [f"{number}.png" for number in range(5)]
    with Image.open(maps[0]) as picture:
        assert picture.width == 40
    for flags in (["--tta"], ["--tiles", "64"], ["--tta-scales", "2"]):
        with pytest.raises(UserError, match=f"--heatmap shows what one look at an image gives, and {flags[0]} takes"):
            run("--heatmap", *flags)


def test_an_overlap_without_tiles_is_one_sentence(run):
    with pytest.raises(UserError, match=r"--overlap 0\.3 is of tiles; --tiles N"):
        run("--overlap", "0.3")


def test_a_folder_that_another_process_writes_into_is_left_alone(run, tmp_path):
    assert run("--json") == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    lock = Lock(tmp_path / "out" / ".lock")
    try:
        with pytest.raises(UserError, match=r"--out .*out is being written by process \d+ on .*; wait for its end, or"):
            run("--json")
    finally:
        lock.release()
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_result_that_somebody_corrected_is_not_written_over(run, tmp_path):
    assert run("--json") == run("--json") == 0  # those that nobody touched are
    changed = tmp_path / "out" / "detections.json"
    later = (tmp_path / "out" / ".trizoo").stat().st_mtime_ns + 1
    os.utime(changed, ns=(later, later))
    with pytest.raises(UserError, match=r"detections\.json was changed after it was written, .* name another --out"):
        run("--json")


def test_ctrl_c_says_what_was_done(run, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("trizoo.commands.predicting.save_picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert f"0 images read; the rest is left out, {tmp_path / 'out'} holds these" in capsys.readouterr().out
