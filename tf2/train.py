"""Train a model with TensorFlow 2: python tf2/train.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("train", "tf2")
