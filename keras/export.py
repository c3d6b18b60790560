"""Export a checkpoint to ONNX, OpenVINO and others: python keras/export.py --help."""

from trizoo.commands.main import script

if __name__ == "__main__":
    script("export", "keras")
