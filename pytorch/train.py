"""Train a model with PyTorch: python pytorch/train.py --help."""

from common.cli import run_command
from common.training.command import train
from torch_zoo.framework import PyTorch

if __name__ == "__main__":
    run_command(lambda: train(PyTorch()))
