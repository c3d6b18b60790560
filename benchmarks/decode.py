"""What decoding and metrics cost beside the network, early and late in training: milliseconds an image, 80 classes.

Scores are an untrained network's, which are many, and those of one that has learnt that most places hold nothing: the
bias of its scores is lowered until 300 candidates an image are left. The threshold is the lower one of evaluation and
prediction. Metrics are of 64 images, each with 10 boxes.
"""

import argparse
import time

import numpy as np

from trizoo.augment.letterbox import fit
from trizoo.families.base.decode import logit
from trizoo.framework import FRAMEWORKS, find
from trizoo.ground.sample import Record
from trizoo.metrics import evaluate
from trizoo.tasks.detection import LOWEST_SCORE
from trizoo.training.recipe import new_recipe
from trizoo.training.specs import spec_of

CLASSES = tuple(f"class {number}" for number in range(80))
CANDIDATES = 300  # an image, of a trained network
BATCHES = (1, 8)
IMAGES, OBJECTS = 64, 10
ORIGINAL = (640, 480)  # width and height of the images on disk


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=tuple(FRAMEWORKS), required=True)
    parser.add_argument("--models", nargs="+", default=["yolov3-tiny", "retinanet-resnet18"])
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    args = parser.parse_args()
    framework = find(args.framework).open()
    device = framework.device("cpu")
    print(f"{framework.versions()}, {framework.describe_device(device)}, {args.precision}")
    print("| model | scores | batch | network | decode | metrics |\n| --- | --- | --- | --- | --- | --- |")
    for name in args.models:
        recipe = new_recipe([("classes", CLASSES, "here")], model=name, origin="here").recipe
        spec, (width, height) = spec_of(recipe), recipe.input_size
        threshold = min(recipe.evaluate.score, LOWEST_SCORE)
        model = framework.build(spec, device)
        images = np.random.default_rng(0).integers(0, 256, (max(BATCHES), height, width, 3), np.uint8)
        for scores in ("untrained", "trained"):
            predict = framework.predictor(model, args.precision, device)
            if scores == "trained":
                lower_scores(framework, model, spec, predict(images[:1]), threshold)
                predict = framework.predictor(model, args.precision, device)
            for batch in BATCHES:
                network, outputs = timed(predict, images[:batch])
                decode, found = timed(decode_batch, spec, outputs, recipe, threshold)
                metrics = f"{measure(found) / IMAGES:.2f}" if batch == max(BATCHES) else ""
                times = f"{network / batch:.1f} | {decode / batch:.2f}"
                print(f"| {name} {width}x{height} | {scores} | {batch} | {times} | {metrics} |", flush=True)


def decode_batch(spec, outputs, recipe, score):
    """The `Detections` of a batch."""
    section, places = recipe.evaluate, [fit(ORIGINAL, recipe.input_size, recipe.resize)] * len(outputs[0])
    options = {"score": score, "threshold": section.nms, "method": section.nms_method}
    return spec.decode(outputs, places, recipe.input_size, max_detections=section.max_detections, **options)


def lower_scores(framework, model, spec, outputs, score):
    """Lowers biases so that CANDIDATES logits of the outputs' first image have at least the score."""
    arrays = framework.arrays(model)
    if spec.family == "yolo":  # objectness, which a score can't exceed
        values = np.concatenate([output[0, ..., 4].ravel() for output in outputs])
    else:
        values = outputs[1][0].ravel()
    by = np.sort(values)[-CANDIDATES] - logit(score)
    for name, array in arrays.items():
        if spec.family == "yolo" and name.endswith(".predict.bias"):
            array.reshape(-1, 5 + spec.num_classes)[:, 4] -= by
        elif name.endswith(".predict_class.bias"):
            array -= by
    framework.assign(model, arrays)


def measure(found):
    """Milliseconds that the metrics of IMAGES images take that have these detections."""
    rng = np.random.default_rng(0)
    detections = [found[number % len(found)] for number in range(IMAGES)]
    truths = []
    for number in range(IMAGES):
        corners = rng.uniform(0, 300, (OBJECTS, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(20, 180, (OBJECTS, 2))], axis=1).astype(np.float32)
        labels, no = rng.integers(0, len(CLASSES), OBJECTS), np.zeros(OBJECTS, bool)
        truths.append(Record(str(number), f"{number}.jpg", ORIGINAL, boxes, labels, no, no))
    return timed(evaluate, detections, truths, CLASSES)[0]


def timed(function, *args):
    """Milliseconds of the fastest of three calls, of fewer where they take seconds, and what the last one gave."""
    times = []
    while len(times) < 3 and sum(times) < 10:
        started = time.perf_counter()
        result = function(*args)
        times.append(time.perf_counter() - started)
    return min(times) * 1000, result


if __name__ == "__main__":
    main()
