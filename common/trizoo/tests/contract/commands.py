"""train.py, evaluate.py and predict.py as a person runs them, on small synthetic images.

Covered: what a run folder holds; a checkpoint's metrics repeated; what predict writes; runs stopped by Ctrl-C within an
epoch and at its end, killed outright, stopped as a process group; a loss that isn't finite; fine-tuning and freezing;
--print-recipe; one sentence for what a user can put right; scripts from any folder; truncated images; a single image.

A framework may need seconds to compile a new model, so tests share runs where they can.
"""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.cli import Choice
from trizoo.commands.evaluate import evaluate
from trizoo.commands.flags.summary import parser as summary_parser
from trizoo.commands.predict import predict
from trizoo.commands.summary import run as summarise
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.ground.cores import cpu_multiplies_bf16
from trizoo.ground.errors import UserError
from trizoo.weights.checkpoint import load

SMALL = ["--input-size", "64", "--batch-size", "4", "--workers", "0", "--device", "cpu", "--quiet"]
RESUME = ["--device", "cpu", "--quiet"]
SUMMARY = {
    # with two classes at 96x64: 3 * 64 * 7 * 7 parameters, times 32 * 48 places
    "retinanet-resnet18": (
        "backbone.stem.conv conv 7x7 32x48x64 9,408 14,450,688",
        "head_class.predict_class conv 3x3, 5 times 8x12x18 41,490 5,349,888",
        "outputs of an image: 1161x4, 1161x2",
        "parameters: 19,202,166 (76.8 MB in float32)",
    ),
    "yolov3-tiny": (
        "backbone.convs.0.conv conv 3x3 64x96x16 432 2,654,208",
        "outputs of an image: 2x3x3x7, 4x6x3x7",
    ),
}
TRICKS = """
_base_: yolov4-tiny
model: {attention: cbam}
augment:
  - {op: mosaic, probability: 1.0}
  - {op: random_placement}
  - {op: flip}
  - {op: hsv}
  - {op: cutout, probability: 1.0}
  - {op: grid_mask, probability: 1.0}
  - {op: mixup, probability: 1.0}
multi_scale: {low: 1.0, high: 2.0, every: 2}
loss: {box: siou, match_iou: 0.3, label_smoothing: 0.1, focal_gamma: 1.5, focal_alpha: 0.6}
ema: {decay: 0.9, warmup: 2}
evaluate: {nms_method: diou}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images in a folder whose name, like the classes', has spaces and Chinese; 16 of the 24 are trained on."""
    folder = tmp_path_factory.mktemp("数据 with spaces")
    return str(synthesize(folder / "形状 set", images=24, size=(96, 72), classes=("圆 形", "square", "triangle")))


@pytest.fixture(scope="module")
def run(zoo, data, tmp_path_factory):
    """A run of four short epochs, of four steps each."""
    out = tmp_path_factory.mktemp("runs") / "first run"
    assert train(zoo, ["--data", data, "--epochs", "4", "--out", str(out), *SMALL]) == 0
    return out


@pytest.fixture(scope="module")
def tuned(zoo, run, tmp_path_factory):
    """A frozen epoch from the run's weights on other classes: (the new run's folder, what was printed)."""
    folder = tmp_path_factory.mktemp("fine-tuning")
    other = synthesize(folder / "two", images=8, size=(64, 64), classes=("square", "star"))
    args = ["--data", str(other), "--weights", str(run / "best.h5"), "--epochs", "1", "--out", str(folder / "run")]
    with redirect_stdout(StringIO()) as printed:
        assert train(zoo, [*args, *SMALL, "--set", "freeze.epochs=1", "--set", "freeze.batch_size=2"]) == 0
    return folder / "run", printed.getvalue()


@pytest.fixture(scope="module")
def scripts(zoo):
    """The framework's folder, with train.py, evaluate.py and predict.py."""
    return Path(inspect.getfile(type(zoo))).parents[1]


def same_arrays(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_a_run_folder_holds_all_that_was_promised(run):
    for name in ("recipe.yaml", "log.jsonl", "metrics.csv", "curves.png", "best.h5", "last.h5", "metrics.json"):
        assert (run / name).is_file(), name
    assert (run / "samples" / "sheet.jpg").is_file()
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert {"mAP50", "mAP", "per_class"} <= metrics.keys()
    assert set(metrics["per_class"]) == {"圆 形", "square", "triangle"}
    records = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["epoch"] for record in records if record["kind"] == "epoch"] == [1, 2, 3, 4]


def test_a_checkpoint_names_its_framework(zoo, run):
    assert load(run / "best.h5").framework == zoo.name


def test_the_checkpoint_alone_evaluates_to_the_value_of_the_run(zoo, run, tmp_path):
    args = ["--weights", str(run / "best.h5"), "--json", str(tmp_path / "m.json"), "--plots", str(tmp_path / "plots")]
    assert evaluate(zoo, [*args, "--coco", str(tmp_path / "r.json"), "--device", "cpu"]) == 0
    ours = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    again = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert again["split"] == ours["split"] == "test"
    assert again["per_class"] == ours["per_class"]
    assert (again["mAP50"], again["mAP"]) == (ours["mAP50"], ours["mAP"])
    assert list((tmp_path / "plots").glob("*.png"))
    results = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert len(results) == sum(row["detections"] for row in again["per_class"].values())


def test_predict_writes_what_its_flags_ask_for(zoo, run, data, tmp_path, capsys):
    images = sorted(Path(data, "JPEGImages").iterdir())[:3]
    args = [*map(str, images), "--weights", str(run / "last.h5"), "--out", str(tmp_path), "--confidence", "0.001"]
    assert predict(zoo, [*args, "--json", "--voc", "--crop", "--device", "cpu"]) == 0
    results = json.loads((tmp_path / "detections.json").read_text(encoding="utf-8"))
    assert [Path(result["image"]).name for result in results] == [image.name for image in images]
    assert {path.name for path in tmp_path.glob("*.jpg")} == {image.name for image in images}
    assert {path.stem for path in tmp_path.glob("*.xml")} == {image.stem for image in images}
    found = sum(len(result["detections"]) for result in results)
    assert len(list((tmp_path / "crops").rglob("*.jpg"))) == found > 0
    assert f"written to {tmp_path}" in capsys.readouterr().out


@pytest.mark.parametrize("able", [True, False])
def test_auto_precision_is_bf16_where_the_device_multiplies_it(zoo, run, data, tmp_path, monkeypatch, capsys, able):
    monkeypatch.setattr(type(zoo), "multiplies_bf16", lambda self, device: able)
    flags = ["--weights", str(run / "best.h5"), "--precision", "auto", "--device", "cpu"]
    assert evaluate(zoo, [*flags, "--json", str(tmp_path / "metrics.json")]) == 0
    assert f"precision: {'bf16' if able else 'fp32'}, since the device" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_a_sentence_with_those_that_are(zoo):
    there = zoo.devices()
    assert there[0] == "cpu"
    assert zoo.is_cpu(zoo.device("cpu"))
    with pytest.raises(UserError, match=rf"^--device cuda:99 was asked for, but .* finds {', '.join(there)} alone"):
        zoo.device("cuda:99")


@pytest.mark.parametrize("model", SUMMARY)
def test_a_summary_has_the_same_numbers_in_every_framework(zoo, capsys, model):
    args = summary_parser().parse_args([model, "--input-size=96x64", "--classes=2", "--device=cpu"])
    assert summarise(args, Choice(lambda: zoo)) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert set(SUMMARY[model]) <= set(lines)


def test_a_summary_estimates_the_memory_of_training(zoo, capsys):
    args = summary_parser().parse_args(["yolov3-tiny", "--input-size=96x64", "--batch-size=8", "--device=cpu"])
    assert summarise(args, Choice(lambda: zoo)) == 0
    total, parts, tiers = capsys.readouterr().out.splitlines()[-3:]
    assert re.fullmatch(r"memory of training at batch 8, estimated: [01]\.\d GiB", total)
    # 8.9 million of 4 bytes; Adam keeps two of each
    assert parts.startswith("  MiB: parameters 34, gradients 34, optimizer 68, average of weights 34, activations ")
    assert re.fullmatch(r"  largest batch by memory: 4 GiB \d+, .*, 24 GiB 1024", tiers)


def test_a_batch_size_of_auto_is_one_that_trains(zoo, data, tmp_path, monkeypatch):
    monkeypatch.setattr(type(zoo), "memory_of", staticmethod(lambda device: 4 << 30))
    args = ["--data", data, "--model", "yolov3-tiny", "--iterations", "1", "--out", str(tmp_path / "run")]
    assert train(zoo, [*args, *SMALL, "--batch-size", "auto"]) == 0
    # of the 16 images to train on; a limit that counts is in training/test_batch_size.py
    assert "\n  batch_size: 16\n" in (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")


def test_whether_the_cpu_multiplies_bf16_is_known(zoo):
    assert zoo.multiplies_bf16(zoo.device("cpu")) in (cpu_multiplies_bf16(), False)  # JAX does, and is no faster


def test_predict_says_how_near_it_came_where_it_found_nothing(zoo, run, data, tmp_path, capsys):
    image = str(next(Path(data, "JPEGImages").iterdir()))
    args = [image, "--weights", str(run / "last.h5"), "--out", str(tmp_path / "none"), "--confidence", "1"]
    assert predict(zoo, [*args, "--no-pictures", "--device", "cpu"]) == 0
    assert "0 boxes above 1, " in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_a_run_in_three_parts_equals_the_unbroken_one_to_the_last_bit(zoo, data, run, tmp_path, monkeypatch):
    out = tmp_path / "parts"
    with interrupted(zoo, monkeypatch, step=3):  # within the first epoch
        assert train(zoo, ["--data", data, "--epochs", "4", "--out", str(out), *SMALL]) == 130
    assert load(out / "last.h5").step == 3
    with interrupted(zoo, monkeypatch, step=5):  # at the end of the second: 3 + 5 = 8 steps
        assert train(zoo, ["--resume", str(out), "--workers", "2", *RESUME]) == 130
    assert (load(out / "last.h5").step, load(out / "last.h5").epoch) == (8, 2)
    assert train(zoo, ["--resume", str(out), "--workers", "0", *RESUME]) == 0
    whole, parts = (load(folder / "last.h5") for folder in (run, out))
    assert whole.step == parts.step == 16
    assert same_arrays(whole.model, parts.model)
    assert whole.optimizer.keys() == parts.optimizer.keys()
    assert all(same_arrays(arrays, parts.optimizer[slot]) for slot, arrays in whole.optimizer.items())
    assert rows_without_seconds(run / "metrics.csv") == rows_without_seconds(out / "metrics.csv")


@pytest.mark.usefixtures("seldom")
def test_a_run_with_every_trick_is_resumed_to_the_last_bit_too(zoo, data, tmp_path, monkeypatch):
    (tmp_path / "tricks.yaml").write_text(TRICKS, encoding="utf-8")
    arguments = ["--recipe", str(tmp_path / "tricks.yaml"), "--data", data, "--epochs", "2", *SMALL]
    assert train(zoo, [*arguments, "--out", str(tmp_path / "whole")]) == 0
    with interrupted(zoo, monkeypatch, step=5):
        assert train(zoo, [*arguments, "--out", str(tmp_path / "parts")]) == 130
    assert train(zoo, ["--resume", str(tmp_path / "parts"), "--workers", "0", *RESUME]) == 0
    whole, parts = (load(tmp_path / name / "last.h5") for name in ("whole", "parts"))
    assert any(name.startswith("attention_c4.") for name in whole.model)
    assert same_arrays(whole.model, parts.model)
    assert same_arrays(whole.ema, parts.ema)
    assert not any(np.array_equal(whole.model[name], array) for name, array in whole.ema.items() if "weight" in name)
    assert rows_without_seconds(tmp_path / "whole" / "metrics.csv") == rows_without_seconds(
        tmp_path / "parts" / "metrics.csv"
    )


def test_a_student_is_resumed_to_the_last_bit_and_ends_without_its_adapters(zoo, data, run, tmp_path, monkeypatch):
    taught = ["--teacher", str(run / "best.h5"), "--set", "distill.features=0.1"]
    arguments = ["--data", data, "--epochs", "1", *taught, *SMALL]
    assert train(zoo, [*arguments, "--out", str(tmp_path / "whole")]) == 0
    with interrupted(zoo, monkeypatch, step=2):
        assert train(zoo, [*arguments, "--out", str(tmp_path / "parts")]) == 130
    assert train(zoo, ["--resume", str(tmp_path / "parts"), "--workers", "0", *RESUME]) == 0
    whole, parts = (load(tmp_path / name / "last.h5") for name in ("whole", "parts"))
    assert "adapters.convs.1.weight" in whole.model
    assert same_arrays(whole.model, parts.model)
    assert same_arrays(whole.optimizer["m"], parts.optimizer["m"])
    best = load(tmp_path / "whole" / "best.h5")
    assert best.model.keys() == load(run / "best.h5").model.keys()
    assert load(tmp_path / "whole" / "last.h5", optimizer=False).model.keys() == best.model.keys()
    record = json.loads((tmp_path / "whole" / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    own = record["loss"] - record["teacher"] - record["features"]
    assert record["loss_gap"] == pytest.approx(record["validation_loss"] - own)


@contextmanager
def interrupted(zoo, monkeypatch, step):
    """While it lasts, this process gets Ctrl-C's signal at the beginning of a learner's nth step."""
    make = zoo.learner

    def learner(*args):
        made = make(*args)
        original, done = made.step, []

        def counted(batch, lr):
            done.append(batch.step)
            if len(done) == step:
                os.kill(os.getpid(), signal.SIGINT)
            return original(batch, lr)

        made.step = counted
        return made

    with monkeypatch.context() as patch:
        patch.setattr(zoo, "learner", learner)
        yield


def rows_without_seconds(path):
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    kept = [i for i, name in enumerate(header) if not name.endswith("seconds")]
    return [[row[i] for i in kept] for row in (header, *rows)]


@pytest.mark.usefixtures("seldom")
def test_a_run_killed_outright_goes_on(zoo, scripts, data, tmp_path):
    out = tmp_path / "killed"
    arguments = ["--data", data, "--epochs", "60", "--out", str(out), *SMALL]
    process = subprocess.Popen([sys.executable, str(scripts / "train.py"), *arguments], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: (out / "best.h5").exists() or process.poll() is not None)
    finally:
        process.kill()
        process.wait()
    done = load(out / "last.h5").step
    args = ["--resume", str(out), "--workers", "0", "--iterations", str(done + 2), *RESUME]
    assert train(zoo, args) == 0
    assert load(out / "last.h5").step == done + 2


def test_a_signal_to_the_whole_process_group_stops_the_run_with_its_workers_and_saves(scripts, data, tmp_path):
    out = tmp_path / "stopped"
    arguments = ["--data", data, "--epochs", "500", "--out", str(out), *SMALL, "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, str(scripts / "train.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        wait_for(lambda: (out / "best.h5").exists() or process.poll() is not None)
        os.killpg(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert f"stopped after step {load(out / 'last.h5').step};" in output


def wait_for(condition, seconds=200):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_term_step_and_images(zoo, data, tmp_path):
    out = tmp_path / "nan"
    args = ["--data", data, "--iterations", "30", "--lr", "1e30", "--out", str(out), *SMALL]
    with pytest.raises(UserError, match=r"training stopped: .* (at|after) step \d+.*--lr"):
        train(zoo, args)
    assert all(np.isfinite(array).all() for array in load(out / "last.h5").model.values())


def test_fine_tuning_loads_all_but_the_head_of_other_classes(tuned):
    folder, printed = tuned
    assert "the classes are others, so what predicts them is re-initialised" in printed
    assert len(load(folder / "last.h5").recipe["classes"]) == 2


def test_frozen_epochs_hold_the_backbone_of_loaded_weights_still(run, tuned):
    before, after = load(run / "best.h5"), load(tuned[0] / "last.h5")
    for name, array in before.model.items():
        assert np.array_equal(array, after.model[name]) == name.startswith("backbone."), name


def test_frozen_epochs_have_their_own_batch_size(tuned):
    assert load(tuned[0] / "last.h5").step == 3  # 6 of the 8 images are trained on, in batches of 2


def test_print_recipe_shows_values_and_origins_and_trains_nothing(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(zoo, ["--model", "yolov3", "--lr", "0.002", "--set", "loss.box=giou", "--print-recipe"]) == 0
    lines = {line.split(":")[0].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert "0.002" in lines["lr"]
    assert "command line --lr" in lines["lr"]
    assert "command line --set loss.box" in lines["box"]
    assert "yolov3.yaml" in lines["epochs"]
    assert "default" in lines["momentum"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "yolov9"], "unknown model 'yolov9'; one of yolov3"),
        (["--input-size", "100"], "multiples of 32; the nearest that fit: 96x96 or 128x128"),
        (["--set", "schedule.learning_rate=1"], "learning_rate"),
        (["--set", "loss.box=diuo"], "diuo"),
        (["--data", "/nowhere/at all"], "/nowhere/at all"),
        (["--weights", "missing.h5"], "missing.h5"),
        (["--resume", "no run"], "no run"),
        (["--workers", "-1"], "--workers is -1"),
        (["--set", "data.train=nothing"], "no split 'nothing'"),
    ],
)
def test_what_a_user_can_put_right_is_one_sentence(zoo, data, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    given = [] if "--data" in arguments or "--resume" in arguments else ["--data", data]
    with pytest.raises(UserError) as error:
        train(zoo, [*given, *arguments, "--quiet"])
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_scripts_work_from_any_folder_and_end_with_2_and_no_traceback_on_bad_input(scripts, tmp_path, data, run):
    def script(name, *args, cwd):
        command = [sys.executable, str(scripts / f"{name}.py"), *map(str, args)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=240)

    result = script("evaluate", "--weights", run / "best.h5", "--data", data, "--split", "val", cwd="/")
    assert (result.returncode, result.stderr) == (0, "")  # no remarks of a framework on the machine that it is on
    result = script("predict", tmp_path / "nothing.jpg", "--weights", run / "best.h5", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_truncated_training_image_is_one_sentence_also_from_a_worker(zoo, tmp_path):
    root = synthesize(tmp_path / "cut", images=8, size=(64, 64))
    for path in Path(root, "JPEGImages").iterdir():
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    args = ["--data", str(root), "--epochs", "1", "--out", str(tmp_path / "run"), *SMALL, "--workers", "1"]
    with pytest.raises(UserError, match=r"\.jpg"):
        train(zoo, args)


def test_one_image_in_any_mode_is_enough_to_train_evaluate_and_predict(zoo, tmp_path):
    root = tmp_path / "one"
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True)
    Image.new("LA", (70, 50), (90, 200)).save(root / "JPEGImages" / "a b.png")
    (root / "Annotations" / "a b.xml").write_text(
        "<annotation><object><name>thing</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>40</xmax><ymax>45</ymax>"
        "</bndbox></object></annotation>",
        encoding="utf-8",
    )
    out = tmp_path / "run"
    assert train(zoo, ["--data", str(root), "--iterations", "2", "--out", str(out), *SMALL]) == 0
    predict_args = [str(root / "JPEGImages"), "--weights", str(out / "best.h5"), "--out", str(tmp_path / "p")]
    assert predict(zoo, [*predict_args, "--device", "cpu"]) == 0
