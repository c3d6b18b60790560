"""README's picture, docs/front.webp: `python docs/make_pictures.py`.

Two models are trained from scratch on the zoo's synthetic data, unless checkpoints of them are given, which takes a
quarter of an hour on two idle CPU cores; the picture shows what they find in images that neither has seen. Between the
tiles it is transparent, for light and dark pages.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import trizoo
from trizoo.data.synthetic import synthesize

FRONT = Path(__file__).with_name("front.webp")
SHOWN = (77, 62)  # images of the test split
GAP = 8  # pixels
SEGMENTATION = "--recipe deeplabv3plus-mobilenetv2-microscopy --input-size 256 --limit 140 --epochs 12"


def trained(data):
    """Checkpoints (detector, segmenter) trained on a synthetic data set, in runs beside it."""
    for name, options in (("boxes", "--recipe yolov3-tiny-synthetic"), ("masks", SEGMENTATION)):
        command = [sys.executable, "-m", "trizoo", "train", *options.split()]
        subprocess.run([*command, "--data", data, "--out", data.with_name(name)], check=True)
    return data.with_name("boxes") / "best.h5", data.with_name("masks") / "best.h5"


def front(detector, segmenter, data):
    """Boxes and masks of `SHOWN` side by side: uint8 (H, W, 4) RGBA.

    Args:
        detector, segmenter: what `trizoo.load` gives
        data: the folder of a synthetic data set
    """
    tiles = []
    for index in SHOWN:
        path = sorted((data / "JPEGImages").iterdir())[index]
        tiles += [detector(path).draw(path), segmenter.draw(path, segmenter(path))]
    height = tiles[0].shape[0]
    columns = [np.dstack([tile, np.full(tile.shape[:2], 255, np.uint8)]) for tile in tiles]
    gap = np.zeros((height, GAP, 4), np.uint8)
    return np.concatenate([part for column in columns for part in (gap, column)][1:], axis=1)


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--detector", metavar="FILE", help="a checkpoint of `train.py` without arguments")
    flags.add_argument("--segmenter", metavar="FILE", help="a checkpoint of a segmentation model on the same data")
    args = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = synthesize(Path(folder) / "data", 400)
        checkpoints = (args.detector, args.segmenter) if args.detector and args.segmenter else trained(data)
        models = [trizoo.load(checkpoint, device="cpu") for checkpoint in checkpoints]
        Image.fromarray(front(*models, data)).save(FRONT, quality=85, method=6)
    print(FRONT)
