"""Measure a checkpoint with Keras 3: python keras/evaluate.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("evaluate", "keras")
