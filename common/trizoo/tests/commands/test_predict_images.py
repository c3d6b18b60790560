"""What predict makes of many images: some unreadable, some in awkward folders; killed in the middle."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.ground.errors import UserError
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


@pytest.fixture(scope="module")
def weights(synthetic_data, tmp_path_factory):
    """A checkpoint of the fake framework, which finds the same in every image."""
    out = tmp_path_factory.mktemp("runs") / "run"
    flags = ["--data", synthetic_data, "--input-size", "64", "--batch-size", "2", "--workers", "0", "--quiet"]
    assert train(FakeFramework(), [*flags, "--iterations", "1", "--out", str(out)]) == 0
    return str(out / "best.h5")


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
    error = capsys.readouterr().err.splitlines()
    assert [line.partition(".png")[0] for line in error] == [f"error: image {photos}/1", f"error: image {photos}/3"]
    results = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert [Path(result["image"]).name for result in results] == ["0.png", "2.png", "4.png"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["0.png", "2.png", "4.png"]


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
