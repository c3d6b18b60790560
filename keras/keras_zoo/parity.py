"""Keras's side of the parity check: python -m keras_zoo.parity --help."""

from keras_zoo.framework import Keras
from trizoo.commands.cli import run_command
from trizoo.commands.measure import measure

if __name__ == "__main__":
    run_command(lambda: measure(Keras()))
