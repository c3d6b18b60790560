"""Measure a checkpoint with PyTorch: python pytorch/evaluate.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.evaluate import evaluate


def main():
    """The command."""
    from torch_zoo.framework import PyTorch  # here: where loader processes import this file, they need no PyTorch

    return evaluate(PyTorch())


if __name__ == "__main__":
    run_command(main)
