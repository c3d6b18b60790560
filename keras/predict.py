"""Find and draw objects with Keras 3: python keras/predict.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.predict import predict


def main():
    """The command."""
    from keras_zoo.framework import Keras  # here: where loader processes import this file, they need no Keras

    return predict(Keras())


if __name__ == "__main__":
    run_command(main)
