"""Train a model with Keras 3: python keras/train.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("train", "keras")
