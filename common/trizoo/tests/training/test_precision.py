import pytest

from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.precision import settled, with_precision
from trizoo.training.world import World


@pytest.mark.parametrize(
    ("precision", "able", "expected"),
    [("auto", True, "bf16"), ("auto", False, "fp32"), ("fp16", True, "fp16"), ("fp32", True, "fp32")],
)
def test_auto_alone_goes_by_the_device(monkeypatch, precision, able, expected):
    framework = FakeFramework()
    monkeypatch.setattr(framework, "multiplies_bf16", lambda device: able)
    assert settled(framework, "device", precision) == expected


class Second(World):
    """The second of two processes, of which the first's device multiplies bf16 or doesn't."""

    def __init__(self, first_is_able):
        super().__init__(1, 2)
        object.__setattr__(self, "first_is_able", first_is_able)

    def any(self, flag):
        return flag or not self.first_is_able


@pytest.mark.parametrize(
    ("first_is_able", "able", "expected", "reason"),
    [
        (True, True, "bf16", "every process's device multiplies it itself"),
        (False, True, "fp32", "a process's device isn't known to be faster in bf16"),
        (True, False, "fp32", "a process's device isn't known to be faster in bf16"),
    ],
)
def test_processes_on_unlike_devices_take_the_precision_that_pays_on_all(
    monkeypatch, first_is_able, able, expected, reason
):
    framework, lines = FakeFramework(), []
    monkeypatch.setattr(framework, "multiplies_bf16", lambda device: able)
    recipe = load(Recipe, base="yolov3-tiny", overrides=[("precision", "auto", "here")]).recipe
    found, reasons = with_precision(framework, recipe, "device", lines.append, Second(first_is_able))
    assert found.precision == expected
    assert reasons == {"precision": f"since {reason} (precision: auto)"}
    assert lines == [f"precision: {expected}, since {reason} (precision: auto)"]
