"""Keras's side of the parity check: python -m keras_zoo.parity --help."""

from common.cli import run_command
from common.parity.command import measure
from keras_zoo.framework import Keras

if __name__ == "__main__":
    run_command(lambda: measure(Keras()))
