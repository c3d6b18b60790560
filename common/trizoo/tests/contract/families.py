"""Every family of models by train.py, evaluate.py and predict.py, on small synthetic images; YOLO is in commands.py."""

import json

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.evaluate import evaluate
from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.weights.checkpoint import load

SHORT = ["--iterations", "2", "--batch-size", "2", "--workers", "0", "--device", "cpu", "--quiet"]
MODELS = {
    "ssd300-mobilenetv2": [],
    # images of two sizes, so batches of mixed ones
    "retinanet-resnet18": ["--input-size", "96x64", "--set", "freeze.batch_norm=true"],
    "deeplabv3plus-mobilenetv2": ["--input-size", "65x97"],
    "keypoints-stride32": ["--input-size", "96x64"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Synthetic images, every other one turned upright, its boxes left out."""
    root = synthesize(tmp_path_factory.mktemp("data") / "set", images=8, size=(80, 56), classes=("square", "star"))
    for path in sorted(root.glob("JPEGImages/*"))[::2]:
        mask = root / "SegmentationClass" / f"{path.stem}.png"
        for file in (path, mask):
            with Image.open(file) as picture:
                turned = picture.transpose(Image.Transpose.ROTATE_90)
            turned.save(file)
        empty = "<annotation><size><width>56</width><height>80</height><depth>3</depth></size></annotation>"
        (root / "Annotations" / f"{path.stem}.xml").write_text(empty, encoding="utf-8")
    return root


@pytest.fixture(scope="module", params=MODELS)
def run(zoo, data, request, tmp_path_factory):
    """A model's name and its run of two steps."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert (
        train(zoo, ["--model", request.param, "--data", str(data), "--out", str(out), *MODELS[request.param], *SHORT])
        == 0
    )
    return request.param, out


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_run_of_any_family_is_evaluated_again_to_its_own_metric_and_predicts(zoo, data, run, tmp_path, capsys):
    model, folder = run
    ours = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    json_file = tmp_path / "metrics.json"
    flags = ["--json", str(json_file), "--report", str(tmp_path / "report"), "--device", "cpu"]
    assert evaluate(zoo, ["--weights", str(folder / "best.h5"), *flags]) == 0
    assert f"{model} on {data.name}" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    again = json.loads(json_file.read_text(encoding="utf-8"))
    assert again["per_class"] == ours["per_class"]
    assert load(folder / "best.h5").recipe["model"]["name"] == model
    assert (folder / "samples" / "sheet.jpg").is_file()

    out, segments, points = tmp_path / "out", model.startswith("deeplab"), model.startswith("keypoints")
    extra = ["--masks", "--view", "cut-out"] if segments else ["--confidence", "0.1", *(["--voc"] * (not points))]
    name = "areas" if segments else "keypoints" if points else "detections"
    args = [str(data / "JPEGImages"), "--weights", str(folder / "best.h5"), "--out", str(out), "--json", *extra]
    assert predict(zoo, [*args, "--device", "cpu"]) == 0
    assert len(json.loads((out / f"{name}.json").read_text(encoding="utf-8"))) == 8
    for path in sorted((data / "JPEGImages").iterdir()):
        shape = pixels(path).shape
        if segments:
            mask = pixels(out / "masks" / f"{path.stem}.png")
            assert mask.shape == shape[:2]
            assert mask.max() < 3  # background, square, star
            assert pixels(out / f"{path.stem}.png").shape == (*shape[:2], 4)
        else:
            assert pixels(out / path.name).shape == shape
            assert points or (out / f"{path.stem}.xml").is_file()
    if segments:
        assert " %" in capsys.readouterr().out


def test_a_flag_of_another_task_is_refused(zoo, data, run):
    model, folder = run
    flag = ["--nms", "0.3"] if model.startswith("deeplab") else ["--masks"]
    with pytest.raises(UserError, match=f"{flag[0]} is for .* and {model} does .*; leave it out"):
        predict(zoo, [str(data / "JPEGImages"), "--weights", str(folder / "best.h5"), "--device", "cpu", *flag])


def test_one_image_at_a_time_is_refused_where_a_batch_norm_would_see_one_value(zoo, data):
    for model in ("deeplabv3plus-mobilenetv2", "ssd300-mobilenetv2"):
        with pytest.raises(UserError, match=r"one image .* at a time gives .*batch norm a single value per channel"):
            train(zoo, ["--model", model, "--data", str(data), "--batch-size", "1", "--device", "cpu", "--quiet"])
