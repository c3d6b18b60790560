"""Find and draw objects with Keras 3: python keras/predict.py --help."""

from trizoo.cli import run_command
from trizoo.inference.commands import predict


def main():
    """The command."""
    from keras_zoo.framework import Keras  # here: where loader processes import this file, they need no Keras

    return predict(Keras())


if __name__ == "__main__":
    run_command(main)
