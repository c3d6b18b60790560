"""predict.py, with a framework that is none; common/trizoo/tests/contract/commands.py has the commands as a whole."""

import pytest

from trizoo.commands import predict as command
from trizoo.commands import use
from trizoo.commands.flags.predict import parser
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Prediction
from trizoo.tasks import detection
from trizoo.tasks.detect import Detector
from trizoo.tests.testing import FakeFramework
from trizoo.training.build import Read


@pytest.fixture
def predict(monkeypatch, tmp_path):
    """predict.py with these flags, on no image, and a model whose recipe says soft suppression at 0.6."""
    recipe = Recipe(classes=("a",), predict=Prediction(nms=0.6, nms_method="soft"))
    monkeypatch.setattr(use, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 1), {}))
    monkeypatch.setattr(use, "make_model", lambda framework, read, device, precision: (read.recipe, {}))
    monkeypatch.setattr(command, "find_given", lambda *_: ([], []))
    monkeypatch.setattr(FakeFramework, "predictor", lambda *_: None)
    weights = tmp_path / "weights.h5"
    weights.touch()
    args = [str(tmp_path), "--weights", str(weights), "--out", str(tmp_path / "out"), "--no-pictures"]
    return lambda *flags: command.predict(FakeFramework(), [*args, *flags])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], ("soft", 0.6)), (["--nms-method", "diou"], ("diou", 0.6)), (["--nms", "0.2"], ("soft", 0.2))],
)
def test_the_nms_of_predict_is_the_recipes_unless_a_flag_says_otherwise(predict, monkeypatch, flags, expected):
    made = []

    def detector(**options):
        made.append(Detector(**options))
        return lambda photos, batch_size, skip: iter(())

    monkeypatch.setattr(detection, "Detector", detector)
    assert predict(*flags) == 0
    assert [(found.nms_method, found.nms) for found in made] == [expected]


@pytest.mark.parametrize("flags", [["--masks"], ["--view", "mask"]])
def test_a_flag_for_masks_is_refused_by_a_detector(predict, flags):
    with pytest.raises(UserError, match=f"{flags[0]} is for segmentation and yolov3-tiny does detection; leave it out"):
        predict(*flags)


@pytest.mark.parametrize(("flag", "said"), [("--json", True), ("--voc", True), ("--confidence=0.1", False)])
def test_where_files_are_is_said_where_a_flag_writes_some(predict, capsys, flag, said):
    assert predict(flag) == 0
    assert ("written to" in capsys.readouterr().out) == said


@pytest.mark.parametrize("flag", ["--confidence", "--score"])
def test_the_lowest_score_shown_is_the_recipes_unless_a_flag_says_otherwise(predict, monkeypatch, flag):
    made = []

    def detector(**options):
        made.append(options["score"])
        return lambda photos, batch_size, skip: iter(())

    monkeypatch.setattr(detection, "Detector", detector)
    monkeypatch.setattr(detection, "LOWEST_SCORE", 1.0)
    assert predict() == predict(flag, "0.25") == 0
    assert made == [0.5, 0.25]


def test_an_unknown_nms_method_is_refused(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["image.jpg", "--weights", "w.h5", "--nms-method", "fast"])
    assert "invalid choice: 'fast'" in capsys.readouterr().err
