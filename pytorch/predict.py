"""Find and draw objects with PyTorch: python pytorch/predict.py --help."""

from common.cli import run_command
from common.inference.commands import predict
from torch_zoo.framework import PyTorch

if __name__ == "__main__":
    run_command(lambda: predict(PyTorch()))
