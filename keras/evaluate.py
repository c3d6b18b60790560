"""Measure a checkpoint with Keras 3: python keras/evaluate.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.evaluate import evaluate


def main():
    """The command."""
    from keras_zoo.framework import Keras  # here: where loader processes import this file, they need no Keras

    return evaluate(Keras())


if __name__ == "__main__":
    run_command(main)
