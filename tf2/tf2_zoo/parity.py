"""TensorFlow 2's side of the parity check: python -m tf2_zoo.parity --help."""

from common.cli import run_command
from common.parity.command import measure
from tf2_zoo.framework import TF2

if __name__ == "__main__":
    run_command(lambda: measure(TF2()))
