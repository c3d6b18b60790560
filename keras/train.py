"""Train a model with Keras 3: python keras/train.py --help."""

from common.cli import run_command
from common.training.command import train


def main():
    """The command."""
    from keras_zoo.framework import Keras  # here: where loader processes import this file, they need no Keras

    return train(Keras())


if __name__ == "__main__":
    run_command(main)
