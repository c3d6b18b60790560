"""Find and draw objects with TensorFlow 2: python tf2/predict.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.predict import predict


def main():
    """The command."""
    from tf2_zoo.framework import TF2  # here: where loader processes import this file, they need no TensorFlow

    return predict(TF2())


if __name__ == "__main__":
    run_command(main)
