"""PyTorch's side of the parity check: python -m torch_zoo.parity --help."""

from common.cli import run_command
from common.parity.command import measure
from torch_zoo.framework import PyTorch

if __name__ == "__main__":
    run_command(lambda: measure(PyTorch()))
