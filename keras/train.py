"""Train a model with Keras 3: python keras/train.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.train import train


def main():
    """The command."""
    from keras_zoo.framework import Keras  # here: where loader processes import this file, they need no Keras

    return train(Keras())


if __name__ == "__main__":
    run_command(main)
