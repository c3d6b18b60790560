"""Train a model with PyTorch: python pytorch/train.py --help."""

from trizoo.commands.cli import run_command
from trizoo.commands.train import train


def main():
    """The command."""
    from torch_zoo.framework import PyTorch  # here: where loader processes import this file, they need no PyTorch

    return train(PyTorch())


if __name__ == "__main__":
    run_command(main)
