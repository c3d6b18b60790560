"""A small run of train.py, with a framework that is none."""

import pytest

from trizoo.commands.train import train
from trizoo.tests.testing import FakeFramework

SMALL = ("--input-size", "64", "--batch-size", "2", "--workers", "0", "--quiet")


@pytest.fixture(scope="session")
def weights(synthetic_data, tmp_path_factory):
    """A checkpoint of the fake framework, which finds the same in every image."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(FakeFramework(), ["--data", synthetic_data, *SMALL, "--iterations", "1", "--out", str(out)]) == 0
    return str(out / "best.h5")


@pytest.fixture
def start(framework, synthetic_data, tmp_path):
    """Runs train.py with small numbers; the run is in tmp_path / "run"."""

    def run(*arguments, framework=framework, out="run"):
        small = ["--data", synthetic_data, *SMALL, "--set", "evaluate.every=1"]
        return train(framework, [*small, "--out", str(tmp_path / out), *arguments])

    return run
