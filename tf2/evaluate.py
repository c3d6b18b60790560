"""Measure a checkpoint with TensorFlow 2: python tf2/evaluate.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("evaluate", "tf2")
