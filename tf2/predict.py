"""Find and draw objects with TensorFlow 2: python tf2/predict.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("predict", "tf2")
