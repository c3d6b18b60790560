import pytest

from trizoo.tests.testing import FakeFramework
from trizoo.training.precision import settled


@pytest.mark.parametrize(
    ("precision", "able", "expected"),
    [("auto", True, "bf16"), ("auto", False, "fp32"), ("fp16", True, "fp16"), ("fp32", True, "fp32")],
)
def test_auto_alone_goes_by_the_device(monkeypatch, precision, able, expected):
    framework = FakeFramework()
    monkeypatch.setattr(framework, "multiplies_bf16", lambda device: able)
    assert settled(framework, "device", precision) == expected
