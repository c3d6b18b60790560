"""Find and draw objects with PyTorch: python pytorch/predict.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("predict", "pytorch")
