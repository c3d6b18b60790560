"""Measure a checkpoint with PyTorch: python pytorch/evaluate.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("evaluate", "pytorch")
