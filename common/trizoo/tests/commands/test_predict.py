"""predict.py, with a framework that is none; common/trizoo/tests/contract/commands.py has the commands as a whole."""

from types import SimpleNamespace

import pytest

from trizoo.commands import evaluate as commands
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Prediction, Recipe
from trizoo.tasks import detection
from trizoo.tasks.detect import Detector


class Nothing:
    """A framework whose predictor is never asked."""

    def device(self, wanted):
        return wanted

    def versions(self):
        return "Nothing 1.0"

    def describe_device(self, device):
        return device

    def predictor(self, model, precision, device):
        return None


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], ("soft", 0.6)), (["--nms-method", "diou"], ("diou", 0.6)), (["--nms", "0.2"], ("soft", 0.2))],
)
def test_the_nms_of_predict_is_the_recipes_unless_a_flag_says_otherwise(monkeypatch, tmp_path, flags, expected):
    made = []

    def detector(**options):
        made.append(Detector(**options))
        return lambda paths, batch_size: iter(())

    recipe = Recipe(classes=("a",), predict=Prediction(nms=0.6, nms_method="soft"))
    monkeypatch.setattr(commands, "load_model", lambda *_: (recipe, model_spec("yolov3-tiny", 1), None))
    monkeypatch.setattr(commands, "find_images", lambda source: [])
    monkeypatch.setattr(detection, "Detector", detector)
    weights = tmp_path / "weights.h5"
    weights.touch()
    args = [str(tmp_path), "--weights", str(weights), "--out", str(tmp_path / "out"), "--no-pictures", *flags]
    assert commands.predict(Nothing(), args) == 0
    assert [(found.nms_method, found.nms) for found in made] == [expected]


def test_boundary_iou_of_a_detector_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "load_model", lambda *_: (Recipe(classes=("a",)), model_spec("yolov3-tiny", 1), None))
    monkeypatch.setattr(commands, "final_set", lambda *_: SimpleNamespace(records=[], split="test"))
    weights = tmp_path / "weights.h5"
    weights.touch()
    with pytest.raises(UserError, match="--boundary is for segmentation and yolov3-tiny does detection; leave it out"):
        commands.evaluate(Nothing(), ["--weights", str(weights), "--data", str(tmp_path), "--boundary"])


def test_an_unknown_nms_method_is_refused(capsys):
    with pytest.raises(SystemExit):
        commands.predict_parser().parse_args(["image.jpg", "--weights", "w.h5", "--nms-method", "fast"])
    assert "invalid choice: 'fast'" in capsys.readouterr().err
