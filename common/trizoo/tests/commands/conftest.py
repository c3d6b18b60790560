"""A small run of train.py, with a framework that is none."""

import pytest

from trizoo.commands.train import train


@pytest.fixture
def start(framework, synthetic_data, tmp_path):
    """Runs train.py with small numbers; the run is in tmp_path / "run"."""

    def run(*arguments, framework=framework, out="run"):
        small = ["--data", synthetic_data, "--input-size", "64", "--batch-size", "2", "--workers", "0", "--quiet"]
        small += ["--set", "evaluate.every=1"]
        return train(framework, [*small, "--out", str(tmp_path / out), *arguments])

    return run
