"""Find and draw objects with PyTorch: python pytorch/predict.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.predict import predict


def main():
    """The command."""
    from torch_zoo.framework import PyTorch  # here: where loader processes import this file, they need no PyTorch

    return predict(PyTorch())


if __name__ == "__main__":
    run_command(main)
