"""TensorFlow 2's side of the parity check: python -m tf2_zoo.parity --help."""

from tf2_zoo.framework import TF2
from trizoo.commands.cli import run_command
from trizoo.commands.measure import measure

if __name__ == "__main__":
    run_command(lambda: measure(TF2()))
