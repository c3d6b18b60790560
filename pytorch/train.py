"""Train a model with PyTorch: python pytorch/train.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("train", "pytorch")
