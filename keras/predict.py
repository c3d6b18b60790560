"""Find and draw objects with Keras 3: python keras/predict.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("predict", "keras")
