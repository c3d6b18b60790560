from argparse import Namespace

import pytest

from trizoo.commands import galleries
from trizoo.commands.cli import Choice
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.build import Read


def test_a_model_of_another_task_is_refused(monkeypatch, tmp_path):
    (tmp_path / "e.h5").touch()
    read = Read(tmp_path / "e.h5", Recipe(classes=("a",)), model_spec("yolov3-tiny", 1), {})
    monkeypatch.setattr(galleries, "read_model", lambda path: read)
    args = Namespace(weights=str(tmp_path / "e.h5"), detector=None, offline=False, device="cpu", framework=None)
    words = r"--embedding is .*e\.h5 of yolov3-tiny, which is for detection; a model for embedding is needed"
    with pytest.raises(UserError, match=words):
        galleries.open_both(args, Choice(FakeFramework))
    with pytest.raises(UserError, match=words):
        galleries.open_embedding(args, Choice(FakeFramework))
