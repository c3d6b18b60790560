"""Images a second on one core: mosaic, mixup, flip, HSV and targets of a batch, ours and as it is usually written.

The other side is straightforward OpenCV and Python: every image decoded whole, resized whole and antialiased, HSV and
mixup in floats, a loop over boxes, a loop over boxes and anchors for targets. Ours, which uses OpenCV too, antialiases
by decoding a JPEG smaller and by averaging what then still shrinks to 2/3 or less. Both make the same kind of batch
from the same files, each in a process of its own, in turn; the best of several turns counts, since other work on the
machine only ever adds time. In later epochs ours finds decoded images in memory, as far as there is room
(trizoo.training.cache). "ours" keeps freed memory, as its loader processes do; the other side is measured with and
without that, and with bilinear resizing that skips pixels, too.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from trizoo.data.boxes.find import find_boxes
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.memory import keep_freed_memory
from trizoo.recipes.augmentations import HSV, CutMix, Flip, HideAndSeek, Mixup, Mosaic, RandAugment, RandomPlacement
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import batch_plan
from trizoo.training.cache import ROOM
from trizoo.training.dataset import TrainingSet

MODEL = "yolov3"
LEAST_SCALE, GREATEST_SCALE, JITTER = 0.4, 1.0, 0.3
HUE, SATURATION, VALUE = 0.1, 0.7, 0.4
PLACEMENT = RandomPlacement(scale=(0.5, 1.5))
TRICKS = (Mosaic(probability=1), PLACEMENT, Flip(), HSV(), Mixup())

# side -> whose, whether freed memory is kept, our operations or OpenCV's interpolation
SIDES = {
    "ours": ("ours", "kept", TRICKS),
    "OpenCV and loops": ("usual", "default", cv2.INTER_AREA),
    "the same, freed memory kept": ("usual", "kept", cv2.INTER_AREA),
    "the same, not antialiased": ("usual", "kept", cv2.INTER_LINEAR),
    "ours without mosaic and mixup": ("ours", "kept", (PLACEMENT, Flip(), HSV())),
    "ours with RandAugment, CutMix, hide-and-seek": (
        "ours",
        "kept",
        (PLACEMENT, Flip(), RandAugment(), CutMix(), HideAndSeek()),
    ),
}


class Usual:
    """The batch as scripts usually make it; an image is (pixels, list of [xmin, ymin, xmax, ymax, label])."""

    def __init__(self, records, spec, size, interpolation):
        self.records, self.spec, self.size, self.interpolation = records, spec, size, interpolation

    def batch(self, indices):
        """Images (B, H, W, 3) and, per head, targets (B, H, W, A, 5 + C)."""
        images, boxes = zip(*(self.sample(index) for index in indices), strict=True)
        return np.stack(images), self.targets(boxes)

    def sample(self, index):
        """One mosaic, mixed up with another image half of the time."""
        image, boxes = self.mosaic([index, *random.choices(range(len(self.records)), k=3)])
        image, boxes = self.colour(*self.flip(image, boxes))
        if random.random() < 0.5:
            other, others = self.colour(*self.flip(*self.placed(random.randrange(len(self.records)))))
            share = np.random.beta(32.0, 32.0)  # noqa: NPY002, as such scripts do
            image = (image.astype(np.float32) * share + other.astype(np.float32) * (1 - share)).astype(np.uint8)
            boxes = boxes + others
        return image, boxes

    def read(self, index):
        record = self.records[index]
        image = cv2.cvtColor(cv2.imread(str(record.image)), cv2.COLOR_BGR2RGB)
        return image, [[*box, label] for box, label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True)]

    def resized(self, image, least, greatest):
        """The image at a random aspect and scale, and by how much x and y grew."""
        width, height = self.size
        aspect = image.shape[1] / image.shape[0]
        aspect *= random.uniform(1 - JITTER, 1 + JITTER) / random.uniform(1 - JITTER, 1 + JITTER)
        scale = random.uniform(least, greatest)
        new = (scale * height * aspect, scale * height) if aspect < 1 else (scale * width, scale * width / aspect)
        new_width, new_height = max(1, int(new[0])), max(1, int(new[1]))
        large = cv2.resize(image, (new_width, new_height), interpolation=self.interpolation)
        return large, new_width / image.shape[1], new_height / image.shape[0]

    def placed(self, index):
        """An image anywhere on a grey canvas."""
        width, height = self.size
        image, boxes = self.read(index)
        image, grown_x, grown_y = self.resized(image, 0.5, 1.5)
        dx, dy = (int(random.uniform(0, room)) for room in (width - image.shape[1], height - image.shape[0]))
        canvas = np.full((height, width, 3), 128, np.uint8)
        left, top = max(dx, 0), max(dy, 0)
        right, bottom = min(dx + image.shape[1], width), min(dy + image.shape[0], height)
        canvas[top:bottom, left:right] = image[top - dy : bottom - dy, left - dx : right - dx]
        return canvas, self.moved(boxes, grown_x, grown_y, dx, dy, (0, 0, width, height))

    def mosaic(self, indices):
        """Four images, each on a canvas of its own of which a quarter is taken."""
        width, height = self.size
        middle_x, middle_y = int(width * random.uniform(0.3, 0.7)), int(height * random.uniform(0.3, 0.7))
        result, found = np.full((height, width, 3), 128, np.uint8), []
        for place, index in enumerate(indices):
            image, boxes = self.read(index)
            image, grown_x, grown_y = self.resized(image, LEAST_SCALE, GREATEST_SCALE)
            dx = middle_x - image.shape[1] if place in (0, 2) else middle_x
            dy = middle_y - image.shape[0] if place in (0, 1) else middle_y
            canvas = np.full((height, width, 3), 128, np.uint8)
            left, top = max(dx, 0), max(dy, 0)
            right, bottom = min(dx + image.shape[1], width), min(dy + image.shape[0], height)
            canvas[top:bottom, left:right] = image[top - dy : bottom - dy, left - dx : right - dx]
            x0, x1 = (0, middle_x) if place in (0, 2) else (middle_x, width)
            y0, y1 = (0, middle_y) if place in (0, 1) else (middle_y, height)
            result[y0:y1, x0:x1] = canvas[y0:y1, x0:x1]
            found += self.moved(boxes, grown_x, grown_y, dx, dy, (x0, y0, x1, y1))
        return result, found

    def moved(self, boxes, grown_x, grown_y, dx, dy, window):
        """The boxes after scaling and shifting, clipped to a window, without slivers."""
        x0, y0, x1, y1 = window
        kept = []
        for xmin, ymin, xmax, ymax, label in boxes:
            xmin, xmax = (min(max(x * grown_x + dx, x0), x1) for x in (xmin, xmax))
            ymin, ymax = (min(max(y * grown_y + dy, y0), y1) for y in (ymin, ymax))
            if xmax - xmin > 1 and ymax - ymin > 1:
                kept.append([xmin, ymin, xmax, ymax, label])
        return kept

    def flip(self, image, boxes):
        """Mirrored half of the time."""
        if random.random() < 0.5:
            image = cv2.flip(image, 1)
            boxes = [[self.size[0] - box[2], box[1], self.size[0] - box[0], box[3], box[4]] for box in boxes]
        return image, boxes

    def colour(self, image, boxes):
        """Hue, saturation and value changed, in floats."""
        gains = [1 + random.uniform(-1, 1) * strength for strength in (HUE, SATURATION, VALUE)]
        hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = hsv[..., 0] * gains[0] % 360
        hsv[..., 1] = np.clip(hsv[..., 1] * gains[1], 0, 1)
        hsv[..., 2] = np.clip(hsv[..., 2] * gains[2], 0, 1)
        return (cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8), boxes

    def targets(self, batch):
        """One array a head, filled box by box; each box goes to the anchor that fits it best."""
        spec = self.spec
        anchors = [(head, place, *wh) for head, pairs in enumerate(spec.anchors) for place, wh in enumerate(pairs)]
        cells = [(self.size[1] // stride, self.size[0] // stride) for stride in spec.strides]
        heads = [np.zeros((len(batch), *cell, 3, 5 + spec.num_classes), np.float32) for cell in cells]
        for image, boxes in enumerate(batch):
            for xmin, ymin, xmax, ymax, label in boxes:
                width, height, best, fit = xmax - xmin, ymax - ymin, None, 0.0
                for head, place, anchor_width, anchor_height in anchors:
                    overlap = min(width, anchor_width) * min(height, anchor_height)
                    iou = overlap / (width * height + anchor_width * anchor_height - overlap)
                    if iou > fit:
                        best, fit = (head, place), iou
                head, place = best
                stride = spec.strides[head]
                x, y = (xmin + xmax) / 2, (ymin + ymax) / 2
                row, column = min(int(y // stride), cells[head][0] - 1), min(int(x // stride), cells[head][1] - 1)
                heads[head][image, row, column, place, :5] = x, y, width, height, 1
                heads[head][image, row, column, place, 5 + int(label)] = 1
        return heads


def training_set(source, size, augment, room):
    """The zoo's training set of all images of a source."""
    recipe = Recipe(classes=source.classes, input_size=size, augment=augment)
    return TrainingSet(source, list(range(len(source))), recipe, model_spec(MODEL, len(source.classes)), room)


def epoch_seconds(make, plans):
    """Seconds of processor time that all batches of the plans take."""
    started = time.process_time()
    for plan in plans:
        make(plan)
    return time.process_time() - started


def measure(side, root, side_length, batch_size):
    """{"images": of an epoch, "first": seconds of the first epoch, "later": of the next one} of a side."""
    cv2.setNumThreads(1)
    name, memory, how = SIDES[side]
    if memory == "kept":
        keep_freed_memory()
    found = find_boxes(root)
    source = found.open("train" if "train" in found.splits else None)
    size = side_length, side_length
    if name == "ours":
        make = training_set(source, size, how, ROOM)
    else:
        usual = Usual(source.records, model_spec(MODEL, len(source.classes)), size, how)

        def make(plan):
            return usual.batch(plan.indices)

    steps = len(source) // batch_size

    def plans(epoch):
        return [batch_plan(s, epoch, s * batch_size, batch_size, len(source), 0) for s in range(steps)]

    epoch_seconds(make, plans(0)[:1])  # what is imported and made once
    if name == "ours":
        make = training_set(source, size, how, ROOM)
    first, later = (epoch_seconds(make, plans(epoch)) for epoch in (0, 1))
    return {"images": steps * batch_size, "first": first, "later": later}


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="VOC data set (default: 200 synthetic images of 640x480)")
    parser.add_argument("--size", type=int, default=416)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--turns", type=int, default=5, help="of each side, of which the best counts (default: 5)")
    parser.add_argument("--only", metavar="SIDE", help="measure one, once, as JSON")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args.data, args.size, args.batch_size)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = args.data or str(synthesize(Path(folder) / "synthetic", images=200, size=(640, 480)))
        options = ["--data", root, f"--size={args.size}", f"--batch-size={args.batch_size}"]
        found = {side: [] for side in SIDES}
        for _ in range(args.turns):
            for side in SIDES:
                command = [sys.executable, __file__, *options, "--only", side]
                result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found[side].append(json.loads(result.stdout.splitlines()[-1]))
    best = {
        (side, key): min(turn[key] for turn in turns) for side, turns in found.items() for key in ("first", "later")
    }
    count = found["OpenCV and loops"][0]["images"]
    reference = min(best["OpenCV and loops", key] for key in ("first", "later"))
    print(f"{count} images an epoch at {args.size}x{args.size}, targets of {MODEL}, one core; {root}\n")
    print("| | epoch | s | images/s | times |\n" + "| --- " * 5 + "|")
    for (side, key), seconds in best.items():
        print(f"| {side} | {key} | {seconds:.2f} | {count / seconds:.0f} | {reference / seconds:.2f} |")


if __name__ == "__main__":
    main()
