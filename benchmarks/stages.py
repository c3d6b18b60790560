"""Where prediction spends its time: load, preprocess, network, decode in images per second for batches of 1 and 8."""

import argparse
import time

import numpy as np

from torch_zoo.framework import PyTorch
from trizoo.augment.letterbox import resize
from trizoo.data.images import read_image
from trizoo.data.sources import find_images
from trizoo.families.yolo.decode import decode_yolo
from trizoo.training.build import make_model, read_model

BATCHES = (1, 8)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="checkpoint (.h5)")
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--count", type=int, default=64, help="images to use (default: 64)")
    parser.add_argument("--confidence", type=float, default=0.5, help="as in predict.py (default: 0.5)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16", "auto"), help="as in predict.py")
    args = parser.parse_args()
    framework = PyTorch()
    device = framework.device(args.device)
    read = read_model(args.weights)
    recipe, model = make_model(framework, read, device, args.precision)
    spec = read.spec
    predict = framework.predictor(model, recipe.precision, device)
    paths = find_images(args.images)[: args.count]
    where = f"{framework.versions()}, {framework.describe_device(device)}"
    print(f"{where}, {spec.name} at {recipe.input_size}, {recipe.precision}")

    images, load = timed(lambda path: read_image(path, recipe.input_size), paths)
    placed, preprocess = timed(lambda image: resize(image, recipe.input_size, recipe.resize), images)
    print("| batch | load | preprocess | network | decode |\n| --- | --- | --- | --- | --- |")
    for size in BATCHES:
        groups = [placed[i : i + size] for i in range(0, len(placed), size)]
        batches = [np.stack([image for image, _ in group]) for group in groups]
        predict(batches[0])
        heads, network = timed(predict, batches, size)
        started = time.perf_counter()
        for raw, group in zip(heads, groups, strict=True):
            places = [placement for _, placement in group]
            use = recipe.predict
            decode_yolo(raw, spec, places, score=args.confidence, threshold=use.nms, method=use.nms_method)
        decode = len(placed) / (time.perf_counter() - started)
        print(f"| {size} | {load:.0f} | {preprocess:.0f} | {network:.1f} | {decode:.0f} |")


def timed(function, items, images_each=1):
    """The results of a function for every item, and images per second."""
    started = time.perf_counter()
    results = [function(item) for item in items]
    return results, len(items) * images_each / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
