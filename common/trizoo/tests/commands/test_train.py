"""train.py's command line and the loop behind it, with a framework that is none."""

import csv
import json
import math
import os
import signal

import numpy as np
import pytest

from trizoo.commands.evaluate import evaluate
from trizoo.commands.flags.train import parser
from trizoo.commands.train import recipe_of, train
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.ground.memory import TooLittleMemoryError
from trizoo.recipes.load import load as load_recipe
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework, FakeLearner
from trizoo.training import loop, schedule
from trizoo.training.recipe import new_recipe
from trizoo.training.run import RunFolder
from trizoo.training.train import train as train_recipe
from trizoo.weights.checkpoint import Checkpoint, load, save


def log_of(folder, kind):
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [record for record in records if record["kind"] == kind]


def test_epochs_steps_and_evaluations_are_as_planned(start, framework, tmp_path, capsys):
    assert start("--epochs", "4", "--set", "evaluate.every=3") == 0
    epochs = log_of(tmp_path / "run", "epoch")
    assert [record["step"] for record in epochs] == [3, 6, 9, 12]  # 7 images are 3 batches of 2
    assert ["mAP50" in record for record in epochs] == [False, False, True, True]  # the third, and the last one
    assert [step for step, _, _ in framework.learners[0].seen] == list(range(12))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("Fake 1.0, device: paper and pencil")
    assert any(line.startswith("plan: 4 epochs = 12 steps of 2 images") for line in lines)


def test_iterations_count_instead_of_epochs_and_may_end_within_one(start, tmp_path):
    assert start("--iterations", "4") == 0
    epochs = log_of(tmp_path / "run", "epoch")
    assert [(record["epoch"], record["step"]) for record in epochs] == [(1, 3), (2, 4)]
    assert "mAP50" in epochs[-1]


def test_the_log_has_a_line_per_interval_and_never_one_across_epochs(start, monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "LOG_INTERVAL", 2)
    assert start("--epochs", "2") == 0
    assert [record["step"] for record in log_of(tmp_path / "run", "step")] == [2, 3, 5, 6]


def test_an_epochs_terms_are_means_over_its_steps(start, tmp_path):
    assert start("--epochs", "1") == 0
    # losses 1, 1/2, 1/3
    assert log_of(tmp_path / "run", "epoch")[0]["loss"] == pytest.approx(11 / 18)


@pytest.fixture
def scripted(monkeypatch):
    """A function of the mAP that the evaluations of the next runs give, one after the other."""
    measured = []

    class Scripted:
        def __init__(self, inner):
            self.inner, self.records = inner, inner.records

        def measure(self, detector):
            return {**self.inner.measure(detector)[0], "mAP": measured.pop(0)}, []

    fit = loop.Trainer.fit

    def scripted_fit(self):
        self.evaluation = Scripted(self.evaluation)
        return fit(self)

    monkeypatch.setattr(loop.Trainer, "fit", scripted_fit)
    return measured.extend


def test_best_holds_the_weights_of_the_best_evaluation(start, scripted, tmp_path):
    scripted([0.2, 0.6, 0.4])
    assert start("--epochs", "3") == 0
    best = load(tmp_path / "run" / "best.h5")
    assert (best.epoch, best.step, best.best) == (2, 6, 0.6)
    assert best.optimizer == {}
    assert load(tmp_path / "run" / "last.h5").best == 0.6


def test_best_goes_by_another_metric_where_the_recipe_says_so(start, scripted, tmp_path):
    scripted([0.2, 0.6, 0.4])
    assert start("--epochs", "3", "--set", "evaluate.best=mAP50") == 0
    best = load(tmp_path / "run" / "best.h5")
    rows = [record["mAP50"] for record in RunFolder.open(tmp_path / "run").read_log() if record["kind"] == "epoch"]
    assert (best.epoch, best.best) == (3, max(rows))
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["validation_mAP50"] == best.best
    with pytest.raises(UserError, match=r"evaluate\.best is 'mIoU'; yolov3-tiny is evaluated by mAP50 and mAP"):
        start("--set", "evaluate.best=mIoU", out="other")
    assert not (tmp_path / "other").exists()


def test_a_run_ends_early_where_patience_is_over_and_goes_no_further_when_resumed(start, scripted, tmp_path, capsys):
    scripted([0.2, 0.6, 0.6, 0.5, 0.9])  # an equal one is no better
    assert start("--epochs", "9", "--set", "schedule.patience=2") == 0
    assert "ended early after step 12: no epoch was better than epoch 2 for 2 epochs" in capsys.readouterr().out
    assert (tmp_path / "run" / "metrics.json").is_file()
    resume = ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]
    assert train(FakeFramework(), resume) == 0
    assert load(tmp_path / "run" / "last.h5").step == 12


def test_patience_counts_epochs_and_ends_a_run_at_an_evaluation_also_of_one_that_was_resumed(start, scripted, tmp_path):
    scripted([0.6, 0.5, 0.4, 0.9])
    arguments = ("--set", "schedule.patience=3", "--set", "evaluate.every=2")
    broken = FakeFramework({13: float("nan")})
    with pytest.raises(UserError):
        start("--epochs", "12", *arguments, framework=broken)  # after epochs 2 and 4
    assert train(FakeFramework(), ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0
    assert load(tmp_path / "run" / "last.h5").epoch == 6  # 4 epochs after the best, 3 of patience


def test_the_log_and_the_table_have_the_validation_loss_and_its_gap_to_training(start, tmp_path):
    assert start("--epochs", "2", "--set", "evaluate.every=2") == 0
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert first["validation_loss"] == first["loss_gap"] == ""
    assert float(second["validation_loss"]) == 2  # the fake's loss is the number of images in a batch
    assert float(second["loss_gap"]) == pytest.approx(2 - float(second["loss"]))


def test_averaged_weights_are_what_is_evaluated_and_kept_as_the_best(start, framework, tmp_path, monkeypatch):
    evaluated = []
    make = framework.predictor

    def predictor(model, precision, device, shortlist):
        evaluated.append(model["backbone.bn.bias"].copy())
        return make(model, precision, device, shortlist)

    monkeypatch.setattr(framework, "predictor", predictor)
    averaged = ("--set", "ema.decay=0.5", "--set", "ema.warmup=4")
    assert (
        start("--epochs", "2", *averaged, "--lr", "0.1", "--set", "evaluate.score=1") == 0
    )  # equals: the later is best
    average = framework.learners[0].average
    assert average.decays == pytest.approx([0.5 * (1 - math.exp(-(step + 1) / 4)) for step in range(6)])
    last, best = (load(tmp_path / "run" / name) for name in ("last.h5", "best.h5"))
    for array in (last.ema, best.model, {"backbone.bn.bias": evaluated[-1]}, {"backbone.bn.bias": evaluated[-2]}):
        assert np.array_equal(array["backbone.bn.bias"], average.kept["backbone.bn.bias"])
    assert (last.model["backbone.bn.bias"] > last.ema["backbone.bn.bias"]).all()  # this learner's weights only grow
    assert best.ema is None
    assert (last.weights, best.weights) == (last.ema, best.model)


def test_an_average_that_a_recipe_ends_or_begins_in_a_resumed_run_is_left_out_or_begun(start, framework, tmp_path):
    assert start("--epochs", "1", "--set", "ema.decay=0.5") == 0
    run, decays = RunFolder.open(tmp_path / "run"), (0.0, 0.5)
    for epochs, decay in enumerate(decays, 2):
        before = load(run.last)
        longer = [("schedule.epochs", epochs, "test"), ("ema.decay", decay, "test")]
        overrides = [(key, value, "run") for key, value in before.recipe.items()] + longer
        recipe = load_recipe(Recipe, overrides=overrides).recipe
        train_recipe(framework, recipe, "cpu", print, run=run, workers=0, quiet=True)
        last = load(run.last)
        assert (last.ema is None) == (decay == 0)
        assert last.weights is (last.ema or last.model)
        assert last.step == 3 * epochs


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_term_that_is_not_finite_stops_the_run_naming_term_step_and_images(start, framework, tmp_path, value):
    framework.losses[4] = value
    with pytest.raises(UserError, match=r"'box' is (nan|inf) at step 5 with the images \d+, \d+;"):
        start("--epochs", "3")
    assert load(tmp_path / "run" / "last.h5").step == 3  # the end of the first epoch


def test_a_loss_that_is_not_finite_names_the_layer_that_was_the_first_not_to_be(start, framework, tmp_path):
    framework.losses[4] = math.nan
    with pytest.raises(UserError, match=r"the outputs of all layers were finite \(.*layers\.csv has them\); a lower"):
        start("--iterations", "9", "--layer-stats")
    framework.breaks = {3}
    with pytest.raises(UserError, match=r"; backbone\.bn was the first layer whose outputs weren't \(4 of 4 values; "):
        start("--iterations", "9", "--layer-stats", "--set", "evaluate.every=9", out="other")
    with (tmp_path / "other" / "layers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["mean"] == "", row["not_finite"]) for row in rows] == [
        ("3", False, "0"),
        ("5", True, "4"),
    ]


def test_layers_are_looked_at_while_something_is_trained(start):
    with pytest.raises(UserError, match="--find-lr trains nothing that --layer-stats could look at"):
        start("--find-lr", "--layer-stats")


def test_weights_that_are_not_finite_never_reach_a_checkpoint(start, framework, tmp_path):
    """The loss of a step is that of the weights before it: it can't show what the last step of an epoch broke."""
    framework.breaks.add(2)
    with pytest.raises(UserError, match=r"backbone\.bn\.bias is no longer finite after step 3;"):
        start("--epochs", "3")
    assert load(tmp_path / "run" / "last.h5").step == 0
    assert not (tmp_path / "run" / "best.h5").exists()


def test_a_run_stopped_by_ctrl_c_resumes_to_the_same_arrays_and_log(start, framework, synthetic_data, tmp_path, capsys):
    averaging = ("--epochs", "3", "--set", "ema.decay=0.5")
    assert start(*averaging, out="whole") == 0
    stopping = type(framework)()
    original = stopping.learner

    def learner(*args):
        made = original(*args)
        step = made.step

        def stop_in_the_fifth(batch, lr):
            if batch.step == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            return step(batch, lr)

        made.step = stop_in_the_fifth
        return made

    stopping.learner = learner
    assert start(*averaging, framework=stopping) == 130
    assert f"resume with: --resume {tmp_path / 'run'}" in capsys.readouterr().out
    assert load(tmp_path / "run" / "last.h5").step == 5
    assert train(type(framework)(), ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0
    whole, resumed = (load(tmp_path / name / "last.h5") for name in ("whole", "run"))
    assert all(np.array_equal(whole.model[name], resumed.model[name]) for name in whole.model)
    assert all(np.array_equal(whole.ema[name], resumed.ema[name]) for name in whole.model)
    assert all(
        np.array_equal(array, resumed.optimizer["momentum"][name])
        for name, array in whole.optimizer["momentum"].items()
    )
    first, second = (log_of(tmp_path / name, "epoch") for name in ("whole", "run"))
    for ours, theirs in zip(first, second, strict=True):
        times = dict.fromkeys(("seconds", "evaluation_seconds"))
        assert ours | times == theirs | times


def test_a_resumed_run_may_be_made_longer_and_nothing_else(start, framework, tmp_path):
    assert start("--epochs", "1") == 0
    run = str(tmp_path / "run")
    assert train(type(framework)(), ["--resume", run, "--epochs", "2", "--workers", "0", "--quiet"]) == 0
    assert [record["epoch"] for record in log_of(tmp_path / "run", "epoch")] == [1, 2]
    for flag in (["--lr", "1"], ["--set", "loss.box=mse"], ["--model", "yolov3"], ["--set", "ema.decay=0.5"]):
        with pytest.raises(UserError, match=f"{flag[0]}.* can't be changed in a resumed run"):
            train(type(framework)(), ["--resume", run, *flag])


def test_a_run_without_a_teacher_is_resumed_without_one(start, framework, tmp_path):
    assert start("--epochs", "1") == 0
    run = tmp_path / "run"
    with pytest.raises(UserError, match=r"was begun without a teacher, .*leave the teacher out, or start a new run"):
        train(framework, ["--resume", str(run), "--epochs", "2", "--teacher", str(run / "best.h5")])


def test_a_run_whose_teacher_is_gone_is_refused_before_its_data_are_read(framework, tmp_path):
    with pytest.raises(UserError, match=r"the teacher '.*/gone\.h5' isn't there"):
        train(framework, ["--set", f"distill.teacher={tmp_path}/gone.h5", "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_a_run_can_be_resumed_before_its_first_epoch_is_over(start, framework, tmp_path):
    framework.losses[1] = float("nan")
    with pytest.raises(UserError):
        start("--epochs", "1")
    assert load(tmp_path / "run" / "last.h5").step == 0
    assert train(type(framework)(), ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0


def test_without_pretrained_weights_epochs_of_ones_own_to_freeze_are_an_error_and_the_zoos_are_not(
    start, framework, tmp_path
):
    with pytest.raises(UserError, match=r"freeze\.epochs is 1 \(command line --set freeze\.epochs\), .*--weights TAG"):
        start("--epochs", "2", "--set", "freeze.epochs=1")
    own = tmp_path / "own.yaml"
    own.write_text("_base_: yolov3-tiny\nfreeze: {epochs: 2}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"freeze\.epochs is 2 \(file own\.yaml\)"):
        start("--recipe", str(own))
    assert not (tmp_path / "run").exists()
    assert new_recipe([], file=str(own), origin="a picture of it").recipe.freeze.epochs == 2  # nothing is trained
    for given in (["--model", "yolov3"], ["--recipe", "yolov3"]):
        assert recipe_of(parser().parse_args([*given, "--data", "x"])).recipe.freeze.epochs == 50


def test_the_recipe_of_a_run_without_pretrained_weights_freezes_nothing(framework, synthetic_data, tmp_path):
    values = {"data.root": synthetic_data, "input_size": [64, 64], "schedule.iterations": 1, "freeze.epochs": 5}
    recipe = load_recipe(Recipe, base="yolov3-tiny", overrides=[(*item, "base") for item in values.items()]).recipe
    train_recipe(framework, recipe, "cpu", print, out=tmp_path / "run", workers=0, quiet=True)
    assert framework.learners[0].frozen_steps == [False]
    assert load(tmp_path / "run" / "last.h5").recipe["freeze"]["epochs"] == 0


def test_with_pretrained_weights_the_first_epochs_are_frozen_also_after_a_resume(start, framework, tmp_path):
    assert start("--epochs", "1", out="first") == 0
    weights = ["--weights", str(tmp_path / "first" / "last.h5")]
    second = type(framework)({4: float("nan")})
    with pytest.raises(UserError):
        start(*weights, "--epochs", "3", "--set", "freeze.epochs=2", framework=second)
    assert second.learners[0].frozen_steps == [True] * 6  # the log looks at a loss when the epoch ends
    third = type(framework)()
    assert train(third, ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0
    assert third.learners[0].frozen_steps == [True] * 3 + [False] * 3


def test_overfit_trains_and_measures_on_the_same_few_images_unaugmented(start, framework, tmp_path):
    assert start("--overfit", "3", "--iterations", "2") == 0
    assert len({id for _, ids, _ in framework.learners[0].seen for id in ids}) <= 3
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["images"], metrics["split"]) == (3, "train (overfit)")
    assert load(tmp_path / "run" / "last.h5").recipe["augment"] == []


def test_limit_trains_on_a_few_images_and_measures_on_all(start, framework, tmp_path):
    assert start("--limit", "3", "--iterations", "2") == 0
    assert len({id for _, ids, _ in framework.learners[0].seen for id in ids}) <= 3
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["split"] == "test"
    assert load(tmp_path / "run" / "last.h5").recipe["data"]["limit"] == 3
    with pytest.raises(UserError, match="--limit can't be changed in a resumed run"):
        train(framework, ["--resume", str(tmp_path / "run"), "--limit", "4"])
    with pytest.raises(UserError, match="overfit is 2 and limit 3"):
        start("--limit", "3", "--overfit", "2", out="other")


def test_a_class_map_is_in_the_recipe_and_stays_there_on_resume(start, framework, tmp_path):
    assert start("--classes-map", "circle=round", "square=", "--epochs", "1") == 0
    recipe = load(tmp_path / "run" / "last.h5").recipe
    assert "round" in recipe["classes"]
    assert not {"circle", "square"} & {*recipe["classes"]}
    assert recipe["data"]["classes_map"] == [["circle", "round"], ["square", ""]]
    resumed = type(framework)()
    assert train(resumed, ["--resume", str(tmp_path / "run"), "--epochs", "2", "--workers", "0", "--quiet"]) == 0
    with pytest.raises(UserError, match="--classes-map can't be changed in a resumed run"):
        train(framework, ["--resume", str(tmp_path / "run"), "--classes-map", "a=b"])
    with pytest.raises(UserError, match="--classes-map is for detection and pspnet-resnet50 does segmentation"):
        train(framework, ["--print-recipe", "--model", "pspnet-resnet50", "--classes-map", "a=b"])


def test_overfit_keeps_to_one_input_size(start, framework, tmp_path):
    recipe = tmp_path / "changing.yaml"
    recipe.write_text("_base_: yolov3-tiny\nmulti_scale: {low: 0.5, high: 2, every: 1}\n", encoding="utf-8")
    assert start("--recipe", str(recipe), "--overfit", "3", "--iterations", "8") == 0
    kept = load(tmp_path / "run" / "last.h5").recipe["multi_scale"]
    assert {**kept, "sizes": list(kept["sizes"])} == {"low": 1.0, "high": 1.0, "sizes": [], "every": 1}


def test_input_sizes_change_in_training_and_not_in_evaluation(start, framework, tmp_path, monkeypatch):
    trained, evaluated, loader, predictor = [], [], framework.loader, framework.predictor

    def spying_loader(*arguments):
        for batch in loader(*arguments):
            trained.append(batch.images.shape[1:3])
            yield batch

    def spying_predictor(*arguments):
        predict = predictor(*arguments)
        return lambda images: evaluated.append(images.shape[1:3]) or predict(images)

    monkeypatch.setattr(framework, "loader", spying_loader)
    monkeypatch.setattr(framework, "predictor", spying_predictor)
    sizes = [item for key in ("low=0.5", "high=2", "every=2") for item in ("--set", f"multi_scale.{key}")]
    assert start("--iterations", "12", *sizes) == 0
    assert trained[::2] == trained[1::2]
    assert set(trained) <= {(side, side) for side in (32, 64, 96, 128)}
    assert len(set(trained)) > 1
    assert set(evaluated) == {(64, 64)}


def test_images_as_they_are_are_trained_on_and_measured_at_their_own_size(start, framework, tmp_path, capsys):
    seen = []

    def spying_loader(dataset, plans, workers, device):
        for batch in map(dataset, plans):
            seen.append(batch.images.shape[1:3])
            yield batch

    framework.loader = spying_loader
    assert start("--epochs", "1", "--input-size", "96x32", "--set", "resize=none") == 0
    assert set(seen) == {(64, 64)}
    assert "data: images are used as they are, so the input size is 64x64" in capsys.readouterr().out
    recipe = load(tmp_path / "run" / "last.h5").recipe
    assert (recipe["resize"], list(recipe["input_size"])) == ("none", [64, 64])
    assert evaluate(framework, ["--weights", str(tmp_path / "run" / "best.h5")]) == 0
    odd = str(synthesize(tmp_path / "odd", images=10, size=(80, 64)))
    message = "is used as it is, since resize is none: input size 80x64 doesn't fit"
    with pytest.raises(UserError, match=message):
        start("--data", odd, "--set", "resize=none", out="other")
    assert evaluate(framework, ["--weights", str(tmp_path / "run" / "best.h5"), "--data", odd]) == 0  # with a border
    assert not (tmp_path / "other").exists()


NEW_OPERATIONS = (
    "[{op: random_placement}, {op: rand_augment, magnitude: 7, geometric: true}, {op: brightness_contrast}, "
    "{op: clahe, tiles: 4}, {op: cutmix, probability: 1}, {op: random_erasing}, {op: hide_and_seek, probability: 1}]"
)


def test_operations_are_set_on_the_command_line_and_printed_with_every_value(start, framework, capsys):
    assert start("--set", f"augment={NEW_OPERATIONS}", "--print-recipe") == 0
    printed = capsys.readouterr().out
    for line in ("op: rand_augment", "magnitude: 7.0", "tiles: 4", "alpha: 1.0", "max_hidden: 0.8", "hide: 0.5"):
        assert line in printed
    assert start("--set", f"augment={NEW_OPERATIONS}", "--epochs", "1") == 0
    assert len(framework.learners[0].seen) == 3


def test_a_run_goes_on_with_the_same_images_only(start, framework, tmp_path):
    assert start("--epochs", "1") == 0
    other = str(synthesize(tmp_path / "other", images=20, size=(64, 64)))
    with pytest.raises(UserError, match="has 14 images to train on and the run began with 7"):
        train(type(framework)(), ["--resume", str(tmp_path / "run"), "--data", other, "--epochs", "2", "--quiet"])


def test_a_resumed_run_cannot_become_shorter_than_it_is(start, framework, tmp_path):
    assert start("--epochs", "3") == 0
    with pytest.raises(UserError, match="has done 9 steps already"):
        train(type(framework)(), ["--resume", str(tmp_path / "run"), "--epochs", "2", "--quiet"])


def test_data_that_has_gone_is_named_with_the_flag_that_helps(start, framework, tmp_path):
    moved = synthesize(tmp_path / "moved", images=10, size=(64, 64))
    assert start("--data", str(moved), "--epochs", "1") == 0
    moved.rename(tmp_path / "new place")
    resume = ["--resume", str(tmp_path / "run"), "--epochs", "2", "--workers", "0", "--quiet"]
    with pytest.raises(UserError, match="moved, is not there any more; --data ROOT says where"):
        train(type(framework)(), resume)
    assert train(type(framework)(), [*resume, "--data", str(tmp_path / "new place")]) == 0


def test_lists_without_one_to_train_on_are_an_error_and_validation_on_training_images_a_warning(
    start, tmp_path, capsys
):
    root = synthesize(tmp_path / "set", images=10, size=(64, 64))
    lists = root / "ImageSets" / "Main"
    assert start("--data", str(root), "--iterations", "1", "--set", "data.validation=train") == 0
    assert "7 of the 7 validation images (train) are trained on" in capsys.readouterr().out
    (lists / "train.txt").rename(lists / "learn.txt")
    with pytest.raises(UserError, match=r"none called train or trainval; --set data\.train=SPLIT"):
        start("--data", str(root), out="second")


def test_a_recipe_file_stands_above_the_model_section_of_weights(start, framework, tmp_path):
    assert start("--iterations", "1") == 0
    anchors = [[5, 5], [6, 6], [7, 7], [8, 8], [9, 9], [12, 12]]
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"_base_: yolov3-tiny\nmodel: {{anchors: {anchors}}}\n", encoding="utf-8")
    weights = ["--weights", str(tmp_path / "run" / "last.h5")]
    assert start(*weights, "--recipe", str(recipe), "--iterations", "1", out="second") == 0
    assert load(tmp_path / "second" / "last.h5").recipe["model"]["anchors"] == anchors
    with pytest.raises(UserError, match=r"last\.h5 holds yolov3-tiny, which doesn't fit yolov3"):
        start(*weights, "--model", "yolov3", out="third")


def test_fine_tuning_on_other_classes_of_the_same_number_begins_with_new_class_outputs(start, tmp_path, capsys):
    assert start("--iterations", "1") == 0
    other = str(synthesize(tmp_path / "other", images=10, size=(64, 64), classes=("star", "cross", "ring")))
    assert start("--data", other, "--weights", str(tmp_path / "run" / "last.h5"), "--iterations", "1", out="b") == 0
    assert "1 of the model's 3 arrays loaded" in capsys.readouterr().out


def test_a_tag_is_resolved_before_anything_else_and_trained_from(start, tmp_path, monkeypatch, capsys):
    assert start("--iterations", "1") == 0
    asked = []

    def resolve_weights(text, *, offline, model):
        asked.append((text, offline))
        return tmp_path / "run" / "last.h5"

    monkeypatch.setattr("trizoo.weights.store.resolve_weights", resolve_weights)
    assert start("--weights", "fake.tag", "--offline", "--iterations", "1", out="second") == 0
    assert asked == [("fake.tag", True)]
    assert f"weights: {tmp_path / 'run' / 'last.h5'}\n3 of the model's 3 arrays loaded" in capsys.readouterr().out
    with pytest.raises(UserError, match="--weights can't be changed in a resumed run"):
        train(None, ["--resume", str(tmp_path / "run"), "--weights", "fake.tag"])
    assert len(asked) == 1


def test_an_existing_run_is_never_written_over(start, tmp_path):
    assert start("--iterations", "1") == 0
    before = (tmp_path / "run" / "last.h5").read_bytes()
    with pytest.raises(UserError, match="isn't empty"):
        start("--iterations", "1")
    assert (tmp_path / "run" / "last.h5").read_bytes() == before


def test_batch_norm_of_a_single_value_is_refused_before_the_run_begins(start, tmp_path):
    with pytest.raises(UserError, match=r"one image of 32x32 at a time.*--batch-size"):
        start("--input-size", "32", "--batch-size", "1")
    with pytest.raises(UserError, match=r"schedule\.accumulate"):
        start("--input-size", "32", "--batch-size", "4", "--set", "schedule.accumulate=4")
    with pytest.raises(UserError, match=r"one image of 32x32 at a time.*multi_scale\.low"):  # the smallest size counts
        start("--input-size", "64", "--batch-size", "1", "--set", "multi_scale.low=0.5")
    assert not (tmp_path / "run").exists()


def test_advice_for_a_batch_norm_of_a_single_value_is_what_helps_the_model(start):
    def advice(*arguments):
        with pytest.raises(UserError, match="a single value") as error:
            train(None, ["--batch-size", "1", *arguments])
        return str(error.value)

    small = advice("--input-size", "32")
    assert "--input-size" in small
    assert "accumulate" not in small
    pooled = advice("--model", "deeplabv3plus-mobilenetv2", "--set", "freeze.batch_size=1")
    assert "--input-size" not in pooled  # image pooling leaves one value of an image of any size
    assert "model.norm=group" in pooled
    assert "--input-size" not in advice("--model", "ssd300-mobilenetv2")
    assert "a larger freeze.batch_size" in advice(
        "--batch-size", "2", "--input-size", "32", "--set", "freeze.batch_size=1"
    )


def test_a_single_value_is_enough_for_batch_norms_that_keep_to_stored_statistics(start):
    small = ("--input-size", "32", "--batch-size", "1", "--iterations", "1")
    assert start(*small, "--set", "freeze.batch_norm=true") == 0


def test_a_batch_size_of_auto_is_a_plain_number_in_the_runs_recipe(start, framework, tmp_path, capsys):
    framework.memory = 4 << 30
    assert start("--batch-size", "auto", "--iterations", "1") == 0
    assert "batch size: 4, whose training takes an estimated" in capsys.readouterr().out  # of 7 images
    assert load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.schedule.batch_size == 4
    _, ids, _ = framework.learners[0].seen[0]
    assert len(ids) == 4


def test_epochs_of_auto_are_a_number_in_the_run(start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(schedule, "epochs_for", lambda count: count - 5)
    assert start("--epochs", "auto", "--print-recipe") == 0
    assert "epochs: auto " in capsys.readouterr().out
    assert start("--epochs", "auto") == 0
    assert "\nepochs: 2, by the number of images, 7 (schedule.epochs: auto)" in capsys.readouterr().out
    assert load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.schedule.epochs == 2


def test_a_schedule_of_auto_is_plain_numbers_with_their_reasons_in_the_run(start, framework, tmp_path, monkeypatch):
    assert start("--set", "schedule=auto", "--epochs", "3") == 0  # what is said of a key counts
    assert load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.schedule.epochs == 3
    monkeypatch.setattr(schedule, "epochs_for", lambda count: count - 5)
    assert start("--set", "schedule=auto", out="auto") == 0
    file = tmp_path / "auto" / "recipe.yaml"
    written = file.read_text(encoding="utf-8")
    assert "  epochs: 2  # by the number of images, 7 (schedule.epochs: auto)\n" in written
    assert train(framework, ["--resume", str(file.parent), "--quiet"]) == 0  # which keeps the reasons
    assert file.read_text(encoding="utf-8") == written
    assert train(framework, ["--resume", str(file.parent), "--epochs", "4", "--quiet"]) == 0
    assert "  epochs: 4\n" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("able", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_precision_of_auto_is_the_devices_in_the_run(
    start, framework, tmp_path, capsys, monkeypatch, able, precision
):
    monkeypatch.setattr(framework, "multiplies_bf16", lambda device: able)
    assert start("--precision", "auto", "--iterations", "1") == 0
    assert f"\nprecision: {precision}, since the device" in capsys.readouterr().out
    assert load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.precision == precision
    assert load(tmp_path / "run" / "last.h5").recipe["precision"] == precision
    written = (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")
    assert f"precision: {precision}  # since the device" in written


def test_a_batch_size_of_auto_has_as_many_parts_as_are_asked_for(start, framework, tmp_path):
    """Also where the batch of the recipe, which is left, hasn't."""
    framework.memory = 4 << 30
    assert start("--batch-size", "auto", "--set", "schedule.accumulate=3", "--iterations", "1") == 0
    schedule = load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.schedule
    assert (schedule.batch_size, schedule.accumulate) == (6, 3)  # of 7 images


def test_a_batch_size_of_auto_needs_a_run_to_train(start, framework, tmp_path, capsys):
    assert start("--batch-size", "auto", "--print-recipe") == 0
    assert "will be what memory has room for (--batch-size auto)" in capsys.readouterr().out
    with pytest.raises(UserError, match="--batch-size is auto; a number is needed"):
        start("--batch-size", "auto", "--find-lr")
    with pytest.raises(SystemExit):
        start("--batch-size", "some")
    assert "'some' is not a whole number of at least 1, nor auto" in capsys.readouterr().err


def test_a_step_with_too_little_memory_is_a_sentence_with_a_batch_that_fits(start, framework, monkeypatch):
    def step(self, batch, lr):
        raise TooLittleMemoryError(*batch.images.shape[:1], (64, 64))

    monkeypatch.setattr(FakeLearner, "step", step)
    framework.memory = 4 << 30
    with pytest.raises(UserError, match=r"for 2 images of 64x64 at once; 1 would fit by the estimate: --batch-size 1"):
        start("--iterations", "1")


def test_lr_on_the_command_line_is_the_peak_itself(start, framework):
    assert start("--iterations", "20", "--lr", "0.3") == 0
    assert max(lr for _, _, lr in framework.learners[0].seen) == pytest.approx(0.3)


def test_flags_say_what_values_and_colours_in_masks_mean(framework, capsys):
    flags = ["--print-recipe", "--model", "deeplabv3plus-mobilenetv2", "--mask-map", "255=1,128=2"]
    assert train(framework, [*flags, "--palette", "000000,800000,e0e0c0=255"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "mask_map: [[128, 2], [255, 1]] # command line --mask-map" in lines
    assert "palette: [[0, 0, 0], [128, 0, 0]] # command line --palette" in lines
    assert "ignore_colours: [[224, 224, 192]] # command line --palette" in lines
    with pytest.raises(UserError, match="'255' is no mask map"):
        train(framework, ["--print-recipe", "--mask-map", "255"])


@pytest.fixture
def backbone_file(tmp_path):
    """The weights of a ResNet-18, made of a file for retinanet-resnet18."""
    mean = ("model.mean", [1, 2, 3], "test")
    recipe = to_dict(load_recipe(Recipe, base="retinanet-resnet18", overrides=[mean]).recipe)
    arrays, state = {"backbone.a": np.zeros(1, np.float32)}, {"origin": {"file": "a.pth", "part": "backbone"}}
    save(tmp_path / "resnet18.h5", Checkpoint(arrays, recipe, "pytorch", state=state))
    return str(tmp_path / "resnet18.h5")


def test_a_backbones_weights_serve_every_model_that_stands_on_it(backbone_file):
    flags = ["--weights", backbone_file, "--model", "deeplabv3plus-mobilenetv2", "--data", "x"]
    recipe = recipe_of(parser().parse_args([*flags, "--set", "model.backbone=resnet18"])).recipe
    assert (recipe.model.name, recipe.model.backbone) == ("deeplabv3plus-mobilenetv2", "resnet18")
    assert recipe.model.mean == (1, 2, 3)  # what the backbone was trained with
    with pytest.raises(UserError, match=r"holds resnet18, .* stands on mobilenetv2; --set model\.backbone=resnet18"):
        recipe_of(parser().parse_args(flags))


def test_what_stands_on_a_backbones_weights_begins_as_the_recipe_says(backbone_file):
    """RetinaNet's towers begin by the recipe's `he`; a file of before that was there has no word of it."""
    theirs = load(backbone_file)
    theirs.recipe["model"] |= {"initializer": None, "objectness_prior": 0.2}
    save(backbone_file, theirs)
    flags = ["--weights", backbone_file, "--model", "retinanet-resnet18", "--data", "x"]
    found = recipe_of(parser().parse_args(flags)).recipe.model
    assert (found.initializer, found.objectness_prior, found.mean) == ("he", 0.01, (1, 2, 3))


def test_a_whole_models_weights_serve_no_other_model(backbone_file, tmp_path):
    whole = load(backbone_file)
    save(tmp_path / "whole.h5", Checkpoint(whole.model, whole.recipe, "pytorch"))
    flags = ["--weights", str(tmp_path / "whole.h5"), "--model", "pspnet-resnet50", "--set", "model.backbone=resnet18"]
    with pytest.raises(UserError, match="holds retinanet-resnet18, which doesn't fit pspnet-resnet50"):
        recipe_of(parser().parse_args(flags))


@pytest.mark.parametrize("older", [False, True])
def test_weights_keep_the_coding_that_they_were_trained_with(tmp_path, older):
    recipe = to_dict(load_recipe(Recipe, base="yolov3-tiny").recipe)
    assert (recipe["model"]["coding"], recipe["model"]["scale_xy"]) == ("squared", 2)  # from scratch
    recipe["model"] |= {"coding": None, "scale_xy": None}
    if older:  # of before there was another
        del recipe["model"]["coding"]
    arrays, path = {"backbone.a": np.zeros(1, np.float32)}, tmp_path / "theirs.h5"
    save(path, Checkpoint(arrays, recipe, "darknet"))
    own = tmp_path / "own.yaml"
    own.write_text("_base_: yolov3-tiny\nschedule: {epochs: 3}\n", encoding="utf-8")

    def model(*flags):
        found = recipe_of(parser().parse_args(["--weights", str(path), "--data", "x", *flags])).recipe.model
        return found.coding, found.scale_xy

    for flags in ((), ("--model", "yolov3-tiny"), ("--recipe", "yolov3-tiny"), ("--recipe", str(own))):
        assert model(*flags) == (None, None)
    assert model("--set", "model.coding=squared") == ("squared", None)
    save(path, Checkpoint(arrays, recipe, "darknet", state={"origin": {"file": "a.weights", "part": "backbone"}}))
    assert model() == ("squared", 2)  # a backbone knows no boxes


def test_another_coding_than_the_weights_is_refused(start, tmp_path):
    assert start("--iterations", "1", "--set", "model.coding=exponential") == 0
    weights = ("--weights", str(tmp_path / "run" / "last.h5"), "--iterations", "1")
    assert start(*weights, out="second") == 0
    assert load(tmp_path / "second" / "last.h5").recipe["model"]["coding"] == "exponential"
    sentence = r"last\.h5 codes widths and heights otherwise, exponential, and model\.coding is squared; leave it out"
    with pytest.raises(UserError, match=sentence):
        start(*weights, "--set", "model.coding=squared", out="third")


def test_an_option_that_does_not_fit_the_model_is_told_before_anything_is_read_or_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"model\.backbone is vgg16, and retinanet-resnet18 needs features"):
        train(None, ["--model", "retinanet-resnet18", "--set", "model.backbone=vgg16"])
    assert list(tmp_path.iterdir()) == []


def test_what_several_processes_have_no_part_in_waits_for_none(framework, monkeypatch, capsys):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    monkeypatch.setattr(FakeFramework, "world", lambda self: pytest.fail("the others aren't there"))
    assert train(framework, ["--print-recipe"]) == 0
    assert "name: yolov3-tiny" in capsys.readouterr().out
    with pytest.raises(UserError, match="2 processes were started, and --find-lr trains in one"):
        train(framework, ["--find-lr", "100"])


def test_print_recipe_refuses_what_the_run_refuses(framework, capsys):
    for flags, sentence in (
        (["--model", "ssd300-vgg16", "--set", "model.backbone=resnet50", "--input-size", "64"], "64x64 doesn't fit"),
        (["--input-size", "32", "--batch-size", "1"], "one image of 32x32 at a time"),
        (["--model", "retinanet-resnet18", "--set", "model.backbone=vgg16"], "retinanet-resnet18 needs features"),
    ):
        said = []
        for command in (["--print-recipe"], []):
            with pytest.raises(UserError, match=sentence) as error:
                train(framework, [*flags, *command])
            said.append(str(error.value))
        assert said[0] == said[1]
    assert capsys.readouterr().out == ""


def test_an_empty_name_of_weights_or_of_a_run_is_no_new_run(start, tmp_path):
    with pytest.raises(UserError, match="the name of the weights is empty"):
        start("--weights", "")
    with pytest.raises(UserError, match="can't be resumed"):
        train(None, ["--resume", ""])
    assert not (tmp_path / "run").exists()


def test_weights_of_another_normalisation_are_refused_and_their_own_is_taken(start, tmp_path):
    assert start("--iterations", "1", "--set", "model.mean=[1, 2, 3]") == 0
    weights = ("--weights", str(tmp_path / "run" / "best.h5"), "--iterations", "1")
    with pytest.raises(
        UserError, match=r"model\.std is \[255, 2, 3\], and .*best\.h5 was trained with \[255, 255, 255\]"
    ):
        start(*weights, "--set", "model.std=[255, 2, 3]", out="second")
    assert not (tmp_path / "second").exists()
    assert start(*weights, out="second") == 0
    assert load(tmp_path / "second" / "last.h5").recipe["model"]["mean"] == [1, 2, 3]


class Normalised(FakeFramework):
    """Its backbone's arrays are called by the model's norm."""

    def build(self, spec, device, seed=0):
        model = super().build(spec, device, seed)
        model[f"backbone.{spec.norm}.weight"] = model.pop("backbone.bn.bias")
        return model


def test_weights_of_another_norm_are_called_so(start, tmp_path):
    assert start("--iterations", "1", framework=Normalised()) == 0
    weights = str(tmp_path / "run" / "best.h5")
    with pytest.raises(
        UserError, match=r"model\.norm is group, and .*best\.h5 was trained with batch; --set model\.norm"
    ):
        start("--weights", weights, "--set", "model.norm=group", framework=Normalised(), out="second")
    assert start("--weights", weights, "--iterations", "1", framework=Normalised(), out="third") == 0


def test_a_resumed_run_with_rare_classes_gets_the_images_that_it_would_have_had(start, tmp_path):
    options = ("--epochs", "4", "--set", "data.rare_below=1")
    whole, broken, resumed = FakeFramework(), FakeFramework({7: float("nan")}), FakeFramework()
    assert start(*options, framework=whole, out="whole") == 0
    with pytest.raises(UserError, match="is nan at step 8"):
        start(*options, framework=broken)
    assert train(resumed, ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0
    seen = whole.learners[0].seen
    assert len(seen) == 12
    assert resumed.learners[0].seen == seen[len(seen) - len(resumed.learners[0].seen) :]
    epochs = [[image for _, ids, _ in seen[first : first + 3] for image in ids] for first in range(0, 12, 3)]
    assert any(len(set(epoch)) < len(epoch) for epoch in epochs)


def test_anchors_are_numbers_in_the_runs_recipe_and_stay_when_it_is_resumed(start, framework, tmp_path, capsys):
    assert start("--iterations", "1", "--set", "model.anchors=null") == 0
    anchors = load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.model.anchors
    assert len(anchors) == 6
    assert max(max(pair) for pair in anchors) < 64  # of the images' pixels; the model's own reach 344
    assert sum(line.startswith("anchors: ") for line in capsys.readouterr().out.splitlines()) == 1
    assert train(framework, ["--resume", str(tmp_path / "run"), "--iterations", "2", "--quiet"]) == 0
    assert "anchors: " not in capsys.readouterr().out
    assert to_dict(load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe)["model"]["anchors"] == [
        list(pair) for pair in anchors
    ]


def test_anchors_that_are_kept_are_the_models_own(start, tmp_path):
    assert start("--iterations", "1", "--anchors", "keep") == 0
    assert load_recipe(Recipe, file=tmp_path / "run" / "recipe.yaml").recipe.model.anchors is None


def test_anchors_of_a_model_without_them_are_refused(start):
    with pytest.raises(UserError, match="--anchors auto is of a detector with anchors, and classify-resnet18 is none"):
        start("--model", "classify-resnet18", "--anchors", "auto")
    with pytest.raises(UserError, match="anchors: keep is of a detector with anchors, and classify-resnet18 is none"):
        start("--model", "classify-resnet18", "--set", "anchors=keep")


def test_a_recipe_file_may_fit_together_with_the_command_line_alone(start, framework, tmp_path):
    """Three parts don't divide the batch of the base."""
    framework.memory = 4 << 30
    file = tmp_path / "parts.yaml"
    file.write_text("_base_: yolov3-tiny\nschedule: {accumulate: 3}\n", encoding="utf-8")
    for number, flags in enumerate(
        (["--batch-size", "6"], ["--set", "schedule.batch_size=6"], ["--batch-size", "auto"])
    ):
        run = tmp_path / f"run{number}"
        assert start("--recipe", str(file), *flags, "--iterations", "1", "--out", str(run)) == 0
        schedule = load_recipe(Recipe, file=run / "recipe.yaml").recipe.schedule
        assert (schedule.batch_size, schedule.accumulate) == (6, 3)
    with pytest.raises(UserError, match=r"accumulate \(3\) must divide batch_size"):
        start("--recipe", str(file), "--out", str(tmp_path / "none"))
