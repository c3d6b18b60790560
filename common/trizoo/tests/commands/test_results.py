"""No command writes over what isn't an earlier result of its own, says so before any work, and may be run again.

Weights, runs and models that don't exist stand for the work: where their error comes, the results were in order.
"""

import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.evaluate import evaluate
from trizoo.commands.main import main, run
from trizoo.commands.measure import measure
from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.ground.errors import UserError
from trizoo.metrics import SegmentationMetrics, segmentation, write_segmentation_report
from trizoo.tests.testing import FakeFramework

FOREIGN = "no earlier result of this command"


@pytest.fixture(scope="module")
def trained(synthetic_data, tmp_path_factory):
    """A run folder of the fake framework."""
    out = tmp_path_factory.mktemp("runs") / "run"
    flags = ["--data", synthetic_data, "--input-size", "64", "--batch-size", "2", "--workers", "0", "--quiet"]
    assert train(FakeFramework(), [*flags, "--iterations", "1", "--out", str(out)]) == 0
    return out


@pytest.fixture
def photos(tmp_path):
    """A folder with one picture."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "photos" / "a.png")
    return str(tmp_path / "photos")


@pytest.fixture
def precious(tmp_path):
    """Makes a file of that name and gives its path; at the test's end it must be what it was."""
    made = []

    def make(name):
        made.append(tmp_path / name)
        made[-1].write_text("precious", encoding="utf-8")
        return str(made[-1])

    yield make
    assert [path.read_text(encoding="utf-8") for path in made] == ["precious"] * len(made)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["evaluate", "--weights", "nothing.h5", "--json"], "notes.json"),
        (["compare", "no run", "--out"], "photo.png"),
        (["compare", "no run", "--out"], "drawing.svg"),
        (["sidebyside", "no model", "--html"], "index.html"),
        (["parity", "yolov3-tiny", "--json"], "notes.json"),
        (["parity", "yolov3-tiny", "--plot"], "paper.pdf"),
        (["anchors", "no data", "--plot"], "photo.png"),
    ],
)
def test_a_file_of_others_is_refused_before_any_work(precious, arguments, name):
    with pytest.raises(UserError, match=f"{name} is there already and is {FOREIGN}; name another file with --"):
        main([*arguments, precious(name)])


@pytest.mark.parametrize("action", ["convert", "export"])
def test_weights_are_never_written_over(precious, action):
    with pytest.raises(UserError, match=r"mine\.safetensors is there already; name another file with --out"):
        main(["weights", action, "nothing.h5", "--out", precious("mine.safetensors")])


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--weights", "nothing.h5", "--json"],
        ["compare", "no run", "--out"],
        ["sidebyside", "no model", "--html"],
        ["parity", "yolov3-tiny", "--json"],
        ["weights", "convert", "nothing.h5", "--out"],
        ["weights", "export", "nothing.h5", "--out"],
    ],
)
def test_a_folder_in_the_place_of_a_file_is_refused_before_any_work(tmp_path, arguments):
    with pytest.raises(UserError, match=r"is a folder; --.* needs the name of a file"):
        main([*arguments, str(tmp_path)])


@pytest.mark.parametrize(
    "arguments", [["evaluate", "--plots"], ["evaluate", "--report"], ["predict", "{photos}", "--out"]]
)
def test_a_file_in_the_place_of_a_folder_is_refused_before_any_work(precious, photos, arguments):
    given = [argument.format(photos=photos) for argument in arguments]
    with pytest.raises(UserError, match=r"notes\.txt is a file; --.* needs the name of a folder"):
        main([*given, precious("notes.txt"), "--weights", "nothing.h5"])


@pytest.mark.parametrize(
    "arguments", [["evaluate", "--plots"], ["evaluate", "--report"], ["predict", "{photos}", "--out"]]
)
def test_nothing_is_put_into_a_data_set(synthetic_data, photos, arguments):
    given = [argument.format(photos=photos) for argument in arguments]
    with pytest.raises(
        UserError, match="isn't empty and holds no earlier results of this command; name another folder"
    ):
        main([*given, synthetic_data, "--weights", "nothing.h5"])


def test_evaluate_replaces_its_metrics_and_plots_and_not_those_of_a_run(trained, tmp_path):
    flags = ["--json", str(tmp_path / "new" / "m.json"), "--plots", str(tmp_path / "plots")]
    flags += ["--report", str(tmp_path / "page")]
    for _ in range(2):
        assert evaluate(FakeFramework(), ["--weights", str(trained / "best.h5"), *flags]) == 0
    assert json.loads((tmp_path / "new" / "m.json").read_text(encoding="utf-8"))["split"] == "test"
    for name in ("metrics.json", "recipe.yaml", "last.h5"):
        with pytest.raises(UserError, match=f"{name} is there already and is {FOREIGN}"):
            main(["evaluate", "--weights", "nothing.h5", "--json", str(trained / name)])


def test_metrics_and_plots_of_masks_are_known_again(tmp_path):
    metrics = SegmentationMetrics(("a", "b"), boundary=True)
    metrics.add(np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.uint8), "image")
    measures = metrics.measure()
    write_segmentation_report(tmp_path / "plots", measures)
    text = json.dumps({**segmentation.report(measures), "split": "val"})
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    flags = ["--json", str(tmp_path / "m.json"), "--plots", str(tmp_path / "plots")]
    with pytest.raises(UserError, match=r"there is no file nothing\.h5"):
        main(["evaluate", "--weights", "nothing.h5", *flags])


def test_predict_adds_to_its_own_results(trained, photos, tmp_path):
    flags = [photos, "--weights", str(trained / "best.h5"), "--out", str(tmp_path / "found" / "here"), "--json"]
    for _ in range(2):
        assert predict(FakeFramework(), flags) == 0
    names = {path.name for path in (tmp_path / "found" / "here").iterdir()}
    assert names == {".trizoo", "a.png", "detections.json", "detections.jsonl"}


def test_predict_looks_at_its_folder_only_where_it_writes(synthetic_data, photos):
    flags = ["--weights", "nothing.h5", "--no-pictures", "--out", synthetic_data]
    with pytest.raises(UserError, match=r"there is no file nothing\.h5"):
        main(["predict", photos, *flags])
    for flag in ("--json", "--voc", "--crop", "--masks"):
        with pytest.raises(UserError, match="holds no earlier results"):
            main(["predict", photos, *flags, flag])


def test_a_comparison_and_a_page_are_drawn_again(trained, tmp_path):
    for _ in range(2):
        for name in ("new/a.png", "b.svg", "c.pdf", "d"):
            assert main(["compare", str(trained), "--out", str(tmp_path / name)]) == 0
        assert main(["sidebyside", "yolov3-tiny", "--html", str(tmp_path / "new" / "page.html")]) == 0


def test_measurements_are_replaced_and_nothing_else_is(tmp_path, precious, monkeypatch):
    monkeypatch.setattr("trizoo.commands.measure.probe", lambda *_: {"curve": np.zeros(2)})
    for _ in range(2):
        assert measure(FakeFramework(), ["yolov3-tiny", "--out", str(tmp_path / "measured")]) == 0
    precious("yolov4.npz")
    with pytest.raises(UserError, match=rf"yolov4\.npz is there already and is {FOREIGN}"):
        measure(FakeFramework(), ["yolov3-tiny", "yolov4", "--out", str(tmp_path)])
    assert not (tmp_path / "yolov3-tiny.npz").exists()


def test_a_data_set_is_made_in_a_folder_that_can_be_made(precious):
    path, data = precious("file.txt"), partial(run, "data", prog="trizoo data")
    for arguments in (["synth", path], ["convert", "no data", path], ["download", "voc2007", path]):
        with pytest.raises(UserError, match=r"file\.txt is a file; (OUT|ROOT) is the folder to make"):
            data(arguments)
        with pytest.raises(UserError, match=r"below can't be written, since .*file\.txt takes no files"):
            data([argument if argument != path else f"{path}/below" for argument in arguments])


def test_a_run_folder_is_looked_at_before_any_data_and_called_what_it_is(trained, precious, synthetic_data, tmp_path):
    file = precious("notes.txt")
    for out, sentence in (
        (str(trained), r"isn't empty; --resume .*run resumes that run, another --out starts one"),
        (synthetic_data, "isn't empty and holds no run to resume; another --out starts one"),
        (file, "notes.txt can't be made: a file is there"),
        (f"{file}/below", r"below can't be written, since .*notes\.txt takes no files"),
    ):
        with pytest.raises(UserError, match=sentence):
            train(None, ["--data", str(tmp_path), "--out", out])  # no framework and no data set
