"""predict.py of every framework, and `trizoo predict`."""

import argparse
from pathlib import Path

from trizoo.commands.cli import (
    add_flags_of_use,
    add_weights_flags,
    check_flags,
    choose_device,
    find_weights,
    positive_int,
    say,
    share,
)
from trizoo.data.sources import find_images
from trizoo.ground.boxes import NMS_METHODS
from trizoo.tasks import task_of
from trizoo.tasks.segmentation import VIEWS
from trizoo.tasks.writers import output_names, write_json
from trizoo.training.build import load_model


def predict_parser():
    """The command line of predict.py."""
    flags = argparse.ArgumentParser(prog="predict.py", description="Find objects in images, or segment them.")
    flags.add_argument("source", nargs="+", metavar="SOURCE", help="image, folder, or quoted pattern ('photos/*.jpg')")
    add_weights_flags(flags, "what finds them", required=True)
    flags.add_argument("--out", default="predictions", metavar="DIR", help="default: ./predictions")
    flags.add_argument("--json", action="store_true", help="write what was found to DIR/detections.json or areas.json")
    flags.add_argument("--no-pictures", action="store_true", help="don't draw")
    flags.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")
    add_flags_of_use(flags)
    add_detection_flags(flags.add_argument_group("detectors alone"))
    add_segmentation_flags(flags.add_argument_group("segmentation models alone"))
    return flags


def add_detection_flags(flags):
    """The flags of predict.py for detectors."""
    flags.add_argument("--score", type=share, metavar="X", help="lowest score shown (default: the recipe's, 0.5)")
    flags.add_argument("--nms", type=share, metavar="X", help="IoU of non-maximum suppression (default: the recipe's)")
    flags.add_argument(
        "--nms-method", choices=NMS_METHODS, help="soft lowers scores, diou drops fewer boxes (default: the recipe's)"
    )
    flags.add_argument("--voc", action="store_true", help="write a VOC annotation for each image to DIR")
    flags.add_argument("--crop", action="store_true", help="write each object as a picture of its own to DIR/crops")


def add_segmentation_flags(flags):
    """The flags of predict.py for segmentation models."""
    flags.add_argument(
        "--view", choices=VIEWS, help="colours over the image, colours alone, or what is of class 1 or above on nothing"
    )
    flags.add_argument("--masks", action="store_true", help="write masks of class ids with VOC's palette to DIR/masks")


def predict(framework, argv=None):
    """predict.py of every framework. Returns the exit code."""
    args = predict_parser().parse_args(argv)
    paths = without_results(find_images(args.source), args.out)
    names = output_names(paths, args.out)
    args.weights = find_weights(args)
    device = choose_device(framework, args.device)
    recipe, spec, model = load_model(framework, args.weights, device, args.precision)
    task = task_of(spec.name)
    check_flags(args, spec.name, task)
    pipeline = task.predictor(framework, model, spec, recipe, device, args)
    results = []
    for path, found in zip(paths, pipeline(paths, args.batch_size), strict=True):
        results.append(task.result(path, found, recipe, args))
        say(task.line(path, found, results[-1], recipe, args))
        task.write(path, names[path], found, recipe, args)
    if args.json:
        write_json(Path(args.out) / f"{task.results}.json", results)
    say(task.total(results, recipe))
    if args.json or not args.no_pictures or any(getattr(args, flag) for flag in task.files):
        say(f"written to {args.out}")
    return 0


def without_results(paths, out):
    """The images less those that lie in the folder of results, where an earlier call over the same folder put them."""
    out = Path(out).resolve()
    rest = [path for path in paths if out not in path.resolve().parents]
    return rest or paths
