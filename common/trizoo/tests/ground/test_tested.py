import re
from pathlib import Path

import pytest

from trizoo.ground.tested import TESTED, untested

TOX = Path(__file__).parents[4] / "tox.ini"


@pytest.mark.parametrize(
    "versions",
    ["PyTorch 2.13.0+cpu", "PyTorch 2.13.9", "PyTorch 2.4.0", "Keras 3.15.1 on TensorFlow 2.21.0", "ONNX Runtime 99.1"],
)
def test_versions_within_the_tested_ones_need_no_word(versions):
    assert untested(versions) is None


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        ("PyTorch 2.14.0", "PyTorch 2.14 is newer than 2.13.0, the last that the zoo was tested with"),
        ("PyTorch 3.0.0", "PyTorch 3.0 is newer than 2.13.0, the last that the zoo was tested with"),
        ("TensorFlow 2.14.1", "TensorFlow 2.14 is older than 2.15.1, the last that the zoo was tested with"),
        (
            "Keras 3.16.0 on JAX 0.9.0",
            "Keras 3.16 is newer than 3.15.1 and JAX 0.9 is older than 0.10.2, the last that the zoo was tested with",
        ),
    ],
)
def test_others_are_told(versions, sentence):
    assert untested(versions) == sentence


def test_the_versions_are_those_that_tox_installs():
    pins = re.findall(r"^\s*(?:deps = )?(torch|tensorflow-cpu|keras|jax)==([\d.]+)$", TOX.read_text("utf-8"), re.M)
    titles = {"torch": "PyTorch", "tensorflow-cpu": "TensorFlow", "keras": "Keras", "jax": "JAX"}
    for package, title in titles.items():
        found = {version for name, version in pins if name == package}
        found.discard("2.16.2")  # TensorFlow beneath the oldest Keras
        assert found == set(TESTED[title]), title
