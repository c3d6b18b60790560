"""evaluate.py, with a framework that is none; common/trizoo/tests/contract/commands.py has the command as a whole."""

import pytest

from trizoo.commands import evaluate as command
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Data, Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.build import Read


@pytest.fixture
def evaluate(monkeypatch, tmp_path):
    """evaluate.py with these flags, on a detector that was trained on a data set; None for one that names none."""
    weights = tmp_path / "weights.h5"
    weights.touch()

    def run(*flags, root=None):
        recipe = Recipe(classes=("a",), data=Data(root=root))
        monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 1), {}))
        return command.evaluate(FakeFramework(), ["--weights", str(weights), *flags])

    return run


def test_boundary_iou_of_a_detector_is_refused(evaluate, tmp_path):
    with pytest.raises(UserError, match="--boundary is for segmentation and yolov3-tiny does detection; leave it out"):
        evaluate("--data", str(tmp_path), "--boundary")


def test_data_that_is_not_named_or_not_there_is_one_sentence(evaluate):
    with pytest.raises(
        UserError, match=r"weights\.h5 was not trained here, so it names no data; --data ROOT says which"
    ):
        evaluate()
    with pytest.raises(UserError, match="was trained on, /no/such/place, is not there; --data ROOT says where"):
        evaluate(root="/no/such/place")
    with pytest.raises(UserError, match="/nor/here"):
        evaluate("--data", "/nor/here", root="/no/such/place")
