"""A second set of real boxes: the cells of an electron microscope's images with masks, cut into tiles.

Reads zhixuhao/unet's membranes (github.com/zhixuhao/unet, data/membrane/train: images of 512x512 in one folder, masks
of 0, membrane, and 255, cell, in another) and writes YOLO's layout. A cell is a region of the mask whose points touch
by their sides; its box is that of what a tile shows of it. All tiles of an image are in one split.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

SPLITS = {"train": 20, "val": 5, "test": 5}  # images


def boxes_of(mask, least):
    """(N, 4) boxes of a mask's cells, corners in pixels, of those of `least` pixels or more."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8), connectivity=4)
    return [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:].tolist() if area >= least]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("masks", type=Path, help="folder of masks of the same names")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--tile", type=int, default=256, help="pixels a side (default: 256)")
    parser.add_argument("--least", type=int, default=200, help="smaller cells, in pixels, have no box (default: 200)")
    args = parser.parse_args()
    names = sorted((path.name for path in args.images.iterdir()), key=lambda name: (len(name), name))
    if len(names) != sum(SPLITS.values()) or args.out.exists():
        sys.exit(f"{args.images} has {len(names)} files, {sum(SPLITS.values())} are asked for; {args.out} must be new")
    boxes, first = dict.fromkeys(SPLITS, 0), 0
    for split, share in SPLITS.items():
        images, labels = args.out / "images" / split, args.out / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for name in names[first : first + share]:
            image, mask = (cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for folder in (args.images, args.masks))
            for top in range(0, image.shape[0], args.tile):
                for left in range(0, image.shape[1], args.tile):
                    part = np.s_[top : top + args.tile, left : left + args.tile]
                    stem, (height, width) = f"{Path(name).stem}-{top}-{left}", image[part].shape
                    cells = boxes_of(mask[part], args.least)
                    rows = [
                        ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
                        for x1, y1, x2, y2 in cells
                    ]
                    lines = [" ".join(["0", *(f"{value:.6f}" for value in row)]) for row in rows]
                    (labels / f"{stem}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                    cv2.imwrite(str(images / f"{stem}.png"), image[part])
                    boxes[split] += len(cells)
        first += share
    listed = "".join(f"{split}: images/{split}\n" for split in SPLITS)
    (args.out / "data.yaml").write_text(f"path: .\n{listed}nc: 1\nnames: [cell]\n", encoding="utf-8")
    print(", ".join(f"{split} {count} boxes" for split, count in boxes.items()))


if __name__ == "__main__":
    main()
