"""Measure a checkpoint with PyTorch: python pytorch/evaluate.py --help."""

from common.cli import run_command
from common.inference.commands import evaluate
from torch_zoo.framework import PyTorch

if __name__ == "__main__":
    run_command(lambda: evaluate(PyTorch()))
