"""From files to results on one core: this zoo's ways beside the peers that are installed, as ratios.

Each side is a process of its own on the same core with one thread; they take turns, so that what else the machine does
slows none alone. Images are drawn, square, and written as JPEG; a result is boxes after NMS, or a mask, in the image's
own pixels. Weights are the seed's, with 80 classes (masks: 21), and the least score is 0.5, so that there are few
boxes, as a trained detector finds. int8 is calibrated on the same images, and its accuracy isn't looked at, as
`trizoo export --int8` and exported_metrics.py do.

Peers: torchvision's model of the same graph, eager, in fp32, as its references run it; Ultralytics' yolov3-tiny by its
own predict.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image

MODELS = ("yolov3-tiny", "ssd300-vgg16", "retinanet-resnet50", "deeplabv3-resnet50")
CLASSES = {"detection": 80, "segmentation": 20}
LEAST_SCORE = 0.5
SIZE = 512  # pixels a side of the network's input; YOLOv3-tiny has 416, SSD300 300
OWN_SIZES = {"yolov3-tiny": 416, "ssd300-vgg16": 300}
OF_GRAPHS = {"deeplabv3-resnet50": {"model.output_stride": 8}}  # so that it is the peer's graph
PHOTO = 640  # pixels a side of the images on disk
TORCHVISION = {
    "ssd300-vgg16": "ssd300_vgg16",
    "retinanet-resnet50": "retinanet_resnet50_fpn",
    "deeplabv3-resnet50": "deeplabv3_resnet50",
}
# side -> (file, precision that it is asked for)
ZOO = {
    "PyTorch fp32": ("fp32.h5", "fp32"),
    "PyTorch bf16": ("fp32.h5", "bf16"),
    "ONNX Runtime fp32": ("fp32.onnx", None),
    "ONNX Runtime int8": ("int8.onnx", None),
    "OpenVINO fp32": ("fp32.xml", None),
    "OpenVINO bf16": ("fp32.xml", "bf16"),
    "OpenVINO int8": ("int8.xml", None),
}
PEERS = ("torchvision fp32", "Ultralytics fp32")


def size_of(model):
    """Pixels a side of a model's input."""
    return OWN_SIZES.get(model, SIZE)


def classes_of(model):
    """Names of a model's classes; of masks with the background."""
    from trizoo.tasks import task_of

    task = task_of(model).name
    names = tuple(f"class {number}" for number in range(CLASSES[task]))
    return names if task == "detection" else ("background", *names)


def write_photos(folder, count):
    """Draws images and writes them as JPEG."""
    from trizoo.data.synthetic import draw_image

    folder.mkdir()
    for number in range(count):
        pixels = draw_image(number, (PHOTO, PHOTO), ("circle", "square", "triangle"), seed=0)[0]
        Image.fromarray(pixels).save(folder / f"{number:03d}.jpg", quality=90)


def write_files(model, folder, calibrated_on):
    """The checkpoint and the exported files of a model."""
    from trizoo.augment.letterbox import resize
    from trizoo.data.images import read_image
    from trizoo.deploy.metadata import Thresholds, describe
    from trizoo.deploy.targets import TARGETS, Job
    from trizoo.framework import find
    from trizoo.recipes.load import to_dict
    from trizoo.training.build import make_model, read_model
    from trizoo.training.recipe import new_recipe
    from trizoo.training.specs import spec_of
    from trizoo.weights.checkpoint import Checkpoint, save
    from trizoo.weights.initial import initial_arrays

    side = size_of(model)
    values = {"classes": classes_of(model), "input_size": [side, side], "predict.score": LEAST_SCORE}
    values |= {"resize": "stretch", **OF_GRAPHS.get(model, {})}
    recipe = new_recipe([(key, value, "here") for key, value in values.items()], model=model, origin="here").recipe
    spec, zoo = spec_of(recipe), find("pytorch").open()
    shapes = zoo.shapes(zoo.build(spec, zoo.device("cpu"), seed=None))
    save(folder / "fp32.h5", Checkpoint(initial_arrays(shapes, 0, spec), to_dict(recipe), "pytorch"))
    recipe, network = make_model(zoo, read_model(folder / "fp32.h5"), zoo.device("cpu"), "fp32")
    images = [resize(read_image(path), (side, side), recipe.resize)[0][None] for path in calibrated_on]
    for name, precision in (("onnx", "fp32"), ("openvino", "fp32"), ("onnx", "int8"), ("openvino", "int8")):
        target = TARGETS[name]
        try:
            target.require(precision == "int8")
        except Exception as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        metadata = describe(
            recipe,
            spec,
            raw=False,
            dynamic_size=False,
            batch=None,
            precision=precision,
            thresholds=Thresholds(confidence=LEAST_SCORE, nms=recipe.predict.nms, max_detections=100),
            licence=None,
        )
        graph = partial(zoo.exporters[target.graph], network)
        target.write(Job(graph, spec, (side, side), metadata, images), folder / f"{precision}{target.ending}")


def zoo_side(name, model, folder):
    """(paths, batch size) -> results, by `trizoo.load`."""
    import trizoo

    file, precision = ZOO[name]
    framework = "pytorch" if file.endswith(".h5") else None
    return partial(_by_zoo, trizoo.load(folder / file, framework, device="cpu", precision=precision))


def _by_zoo(predictor, paths, batch_size):
    return predictor(paths, batch_size=batch_size)


def torchvision_side(name, model, folder):
    """(paths, batch size) -> results, by torchvision's reader, model and decoding."""
    import torch
    import torchvision
    from torchvision.transforms.v2 import functional

    torch.set_num_threads(1)
    detects = not model.startswith("deeplab")
    count = len(classes_of(model)) + detects  # theirs counts the background always
    side, options = size_of(model), {"weights": None, "weights_backbone": None, "num_classes": count}
    if detects:
        options |= {"score_thresh": LEAST_SCORE}
    if model.startswith("retinanet"):
        options |= {"min_size": side, "max_size": side}
    network = getattr(
        torchvision.models.segmentation if not detects else torchvision.models.detection, TORCHVISION[model]
    )
    network = network(**options).eval()
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

    @torch.inference_mode()
    def run(paths, batch_size):
        results = []
        for first in range(0, len(paths), batch_size):
            images = [torchvision.io.decode_image(str(path)) for path in paths[first : first + batch_size]]
            if detects:
                results += network([image / 255 for image in images])
                continue
            sizes = [image.shape[-2:] for image in images]
            small = [functional.resize(image, [side, side]) for image in images]
            batch = functional.normalize(torch.stack(small) / 255, mean, std)
            for logits, size in zip(network(batch)["out"], sizes, strict=True):
                whole = torch.nn.functional.interpolate(logits[None], size, mode="bilinear", align_corners=False)
                results.append(whole[0].argmax(0).to(torch.uint8))
        return results

    return run


def ultralytics_side(name, model, folder):
    """(paths, batch size) -> results, by Ultralytics' predict."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    network = YOLO("yolov3-tiny.yaml")
    options = {"imgsz": size_of(model), "conf": LEAST_SCORE, "device": "cpu", "verbose": False}

    def run(paths, batch_size):
        return network.predict([str(path) for path in paths], batch=batch_size, **options)

    return run


def sides_of(model, folder):
    """Names of the sides that there are for a model."""
    from trizoo.framework import is_installed

    names = [name for name, (file, _) in ZOO.items() if (folder / file).exists()]
    if model in TORCHVISION and is_installed("torchvision"):
        names.append(PEERS[0])
    if model == "yolov3-tiny" and is_installed("ultralytics"):
        names.append(PEERS[1])
    return names


def work(name, model, folder):
    """A side's process: a line with a batch size in, the seconds of an image out."""
    makers = dict(zip(PEERS, (torchvision_side, ultralytics_side), strict=True))
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print isn't taken for an answer
    run = makers.get(name, zoo_side)(name, model, folder)
    paths = sorted((folder.parent / "photos").glob("*.jpg"))
    for line in sys.stdin:
        started = time.perf_counter()
        found = run(paths, int(line))
        assert len(found) == len(paths)
        print((time.perf_counter() - started) / len(paths), file=answers, flush=True)


def start(name, model, folder, core):
    """A side's process, on one core."""
    command = [sys.executable, __file__, "--side", name, "--folder", str(folder), model]
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    pin = None if core is None else partial(os.sched_setaffinity, 0, {core})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, preexec_fn=pin, **pipes)


def ask(process, batch_size):
    """Seconds of an image."""
    process.stdin.write(f"{batch_size}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit(f"a side ended: {' '.join(process.args)}")
    return float(answer)


def measure(model, folder, batches, rounds, core):
    """{side: {batch size: seconds of an image}}, medians over the rounds."""
    sides = {name: start(name, model, folder, core) for name in sides_of(model, folder)}
    times = {name: {batch: [] for batch in batches} for name in sides}
    for number in range(rounds + 1):  # the first one warms up
        for batch in batches:
            for name, process in sides.items():
                seconds = ask(process, batch)
                if number:
                    times[name][batch].append(seconds)
    for process in sides.values():
        process.stdin.close()
        process.wait()
    return {name: {batch: median(of_batch) for batch, of_batch in of.items()} for name, of in times.items()}


def print_rows(model, times, batches):
    """A model's rows: milliseconds of an image, and how many times as fast as the peer, else as PyTorch here."""
    peer = next((name for name in PEERS if name in times), None)
    for name, of_side in times.items():
        cells = []
        for batch in batches:
            own, theirs = times["PyTorch fp32"][batch], times[peer][batch] if peer else None
            ratios = (f"{own / of_side[batch]:.2f}", f"{theirs / of_side[batch]:.2f}" if theirs else "")
            cells += [f"{1000 * of_side[batch]:.0f}", *ratios]
        print(f"| {model} {size_of(model)} | {name} | {' | '.join(cells)} |", flush=True)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--batch", nargs="+", type=int, default=(1, 8), help="images at once (default: 1 8)")
    parser.add_argument("--photos", type=int, default=16, help="images (default: 16)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side (default: 3)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core (default: the last)")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        work(args.side, args.models[0], args.folder)
        return
    heads = [f"batch {batch}: ms, times PyTorch, times the peer".split(", ") for batch in args.batch]
    header = ["model", "side", *(cell for of_batch in heads for cell in of_batch)]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}", flush=True)
    with tempfile.TemporaryDirectory() as top:
        photos = Path(top) / "photos"
        write_photos(photos, args.photos)
        for model in args.models:
            folder = Path(top) / model
            folder.mkdir()
            with contextlib.redirect_stdout(sys.stderr):  # where quantising shows how far it is
                write_files(model, folder, sorted(photos.glob("*.jpg")))
            print_rows(model, measure(model, folder, args.batch, args.rounds, args.core), args.batch)


if __name__ == "__main__":
    main()
