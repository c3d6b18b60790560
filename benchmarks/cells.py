"""A second set of real boxes: the cells of an electron microscope's images with masks, cut into tiles.

Reads zhixuhao/unet's membranes (github.com/zhixuhao/unet, data/membrane/train: images of 512x512 in one folder, masks
of 0, membrane, and 255, cell, in another) and writes YOLO's layout. A cell is a region of the mask whose points touch
by their sides; its box is that of what a tile shows of it. All tiles of an image are in one split.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from trizoo.commands.cli import run_command
from trizoo.commands.flags.shared import positive_int
from trizoo.data.sources import natural_key
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tasks.others import write_yolo

SPLITS = {"train": 20, "val": 5, "test": 5}  # images


def cells_of(mask, least):
    """The Detections that stand for a mask's cells of `least` pixels or more."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8), connectivity=4)
    boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:].tolist() if area >= least]
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes), np.float32), np.zeros(len(boxes), np.int64))


def grey(path):
    """An image's levels, uint8 (H, W). Raises UserError for a file that is none."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UserError(f"{path} is no image that can be read; an image and a mask of the same name are needed")
    return image


def tiles(image, mask, side):
    """Yields (left and top edge as text, image, mask) of each tile."""
    for top in range(0, image.shape[0], side):
        for left in range(0, image.shape[1], side):
            part = np.s_[top : top + side, left : left + side]
            yield f"{top}-{left}", image[part], mask[part]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("masks", type=Path, help="folder of masks of the same names")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--tile", type=positive_int, default=256, help="pixels a side (default: 256)")
    parser.add_argument(
        "--least", type=positive_int, default=200, help="smaller cells, in pixels, have no box (default: 200)"
    )
    args = parser.parse_args()
    names = [path.name for path in sorted(args.images.iterdir(), key=natural_key)]
    if len(names) != sum(SPLITS.values()):
        raise UserError(f"{args.images} has {len(names)} files; {sum(SPLITS.values())} are needed")
    if args.out.exists():
        raise UserError(f"{args.out} is there already; a new folder is needed")
    pairs = {name: [grey(folder / name) for folder in (args.images, args.masks)] for name in names}
    for name, (image, mask) in pairs.items():
        if image.shape != mask.shape:
            sizes = " and ".join(f"{array.shape[1]}x{array.shape[0]}" for array in (image, mask))
            raise UserError(f"{name} and its mask are {sizes} pixels large; equal ones are needed")
    boxes, first = dict.fromkeys(SPLITS, 0), 0
    for split, share in SPLITS.items():
        images, labels = args.out / "images" / split, args.out / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for name in names[first : first + share]:
            for place, tile, part in tiles(*pairs[name], args.tile):
                stem, cells = f"{Path(name).stem}-{place}", cells_of(part, args.least)
                write_yolo(labels / f"{stem}.txt", tile.shape[::-1], cells)
                cv2.imwrite(str(images / f"{stem}.png"), tile)
                boxes[split] += len(cells.boxes)
        first += share
    listed = "".join(f"{split}: images/{split}\n" for split in SPLITS)
    (args.out / "data.yaml").write_text(f"path: .\n{listed}nc: 1\nnames: [cell]\n", encoding="utf-8")
    print(", ".join(f"{split} {count} boxes" for split, count in boxes.items()))


if __name__ == "__main__":
    run_command(main)
