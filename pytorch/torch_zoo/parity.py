"""PyTorch's side of the parity check: python -m torch_zoo.parity --help."""

from torch_zoo.framework import PyTorch
from trizoo.commands.cli import run_command
from trizoo.commands.measure import measure

if __name__ == "__main__":
    run_command(lambda: measure(PyTorch()))
