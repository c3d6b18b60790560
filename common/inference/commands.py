"""evaluate.py and predict.py of every framework."""

import argparse
import json
from pathlib import Path

from common.boxes import NMS_METHODS
from common.cli import add_common_flags, add_weights_flags, choose_device, find_weights, positive_int, say, share
from common.data.images import read_image, read_size
from common.errors import UserError
from common.files import write_atomically
from common.inference.detect import Detector
from common.inference.draw import draw_detections
from common.inference.sources import find_images
from common.inference.writers import (
    count_text,
    output_names,
    save_picture,
    to_json,
    write_crops,
    write_json,
    write_voc,
)
from common.metrics.curves import write_report
from common.recipes.load import from_dict
from common.recipes.schema import Recipe
from common.training.evaluation import make_detector, shown
from common.training.session import final_set, spec_of
from common.weights.checkpoint import load as load_checkpoint
from common.weights.report import strict

LOWEST_SCORE = 0.01  # what predict looks at, so as to say how good the best detection below --score was


def evaluate_parser():
    """The command line of evaluate.py."""
    flags = argparse.ArgumentParser(prog="evaluate.py", description="Measure a checkpoint on a data set.")
    add_weights_flags(flags, "what to measure", required=True)
    flags.add_argument("--data", metavar="ROOT", help="VOC data set (default: the one it was trained on)")
    flags.add_argument("--split", metavar="NAME", help="default: test, else val, else what it was trained on")
    flags.add_argument("--json", metavar="FILE", help="write the metrics there")
    flags.add_argument("--plots", metavar="DIR", help="write curves and the confusion matrix there: PNG, JSON, CSV")
    add_flags_of_use(flags)
    return flags


def evaluate(framework, argv=None):
    """evaluate.py of every framework. Returns the exit code."""
    args = evaluate_parser().parse_args(argv)
    args.weights = find_weights(args)
    device = choose_device(framework, args.device)
    recipe, spec, model = load_model(framework, args.weights, device, args.precision)
    if args.data:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": args.data, "overfit": 0})})
    elif recipe.data.root is None:
        raise UserError(f"{args.weights} was not trained here, so it names no data; --data ROOT says which")
    elif not Path(recipe.data.root).exists():
        raise UserError(
            f"the data that {args.weights} was trained on, {recipe.data.root}, is not there; --data ROOT says where"
        )
    data = final_set(recipe, args.split)
    say(f"data: {recipe.data.root}, {len(data.records)} images ({data.split})")
    metrics, found = data.measure(make_detector(framework, model, spec, recipe, device))
    say(table(metrics))
    say(f"mAP50 {shown(metrics['mAP50'])}  mAP {shown(metrics['mAP'])}  VOC mAP50 {shown(metrics['voc']['mAP50'])}")
    if args.json:
        text = json.dumps({**metrics, "split": data.split}, ensure_ascii=False, allow_nan=False, indent=2)
        write_atomically(args.json, text + "\n")
        say(f"metrics: {args.json}")
    if args.plots:
        write_report(args.plots, found, data.records, data.classes)
        say(f"plots: {args.plots}")
    return 0


def add_flags_of_use(flags):
    """The flags that evaluating and predicting share."""
    flags.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), help="default: as it was trained on a GPU, fp32 on a CPU"
    )
    add_common_flags(flags)


def predict_parser():
    """The command line of predict.py."""
    flags = argparse.ArgumentParser(prog="predict.py", description="Find objects in images and draw them.")
    flags.add_argument("source", nargs="+", metavar="SOURCE", help="image, folder, or quoted pattern ('photos/*.jpg')")
    add_weights_flags(flags, "what finds them", required=True)
    flags.add_argument("--out", default="predictions", metavar="DIR", help="default: ./predictions")
    flags.add_argument("--score", type=share, metavar="X", help="lowest score shown (default: the recipe's, 0.5)")
    flags.add_argument("--nms", type=share, metavar="X", help="IoU of non-maximum suppression (default: the recipe's)")
    flags.add_argument(
        "--nms-method", choices=NMS_METHODS, help="soft lowers scores, diou drops fewer boxes (default: the recipe's)"
    )
    flags.add_argument("--json", action="store_true", help="write all detections to DIR/detections.json")
    flags.add_argument("--voc", action="store_true", help="write a VOC annotation for each image to DIR")
    flags.add_argument("--crop", action="store_true", help="write each object as a picture of its own to DIR/crops")
    flags.add_argument("--no-pictures", action="store_true", help="don't draw")
    flags.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")
    add_flags_of_use(flags)
    return flags


def predict(framework, argv=None):
    """predict.py of every framework. Returns the exit code."""
    args = predict_parser().parse_args(argv)
    paths = without_results(find_images(args.source), args.out)
    names = output_names(paths, args.out)
    args.weights = find_weights(args)
    device = choose_device(framework, args.device)
    recipe, spec, model = load_model(framework, args.weights, device, args.precision)
    score = recipe.predict.score if args.score is None else args.score
    detector = Detector(
        predict=framework.predictor(model, recipe.precision, device),
        spec=spec,
        input_size=recipe.input_size,
        resize=recipe.resize,
        score=min(score, LOWEST_SCORE),
        nms=recipe.predict.nms if args.nms is None else args.nms,
        max_detections=recipe.evaluate.max_detections,
        nms_method=args.nms_method or recipe.predict.nms_method,
    )
    results = []
    for path, detections in zip(paths, detector(paths, args.batch_size), strict=True):
        results.append(to_json(path, read_size(path), detections.above(score), recipe.classes))
        say(line(path, detections, score, results[-1], recipe.classes))
        write_outputs(args, path, names[path], detections.above(score), recipe.classes)
    if args.json:
        write_json(Path(args.out) / "detections.json", results)
    say(count_text(results, recipe.classes))
    if args.json or args.voc or args.crop or not args.no_pictures:
        say(f"written to {args.out}")
    return 0


def without_results(paths, out):
    """The images less those that lie in the folder of results, where an earlier call over the same folder put them."""
    out = Path(out).resolve()
    rest = [path for path in paths if out not in path.resolve().parents]
    return rest or paths


def write_outputs(args, path, target, detections, classes):
    """The files that the flags ask for, of one image."""
    if args.voc:
        write_voc(target.with_suffix(".xml"), path, read_size(path), detections, classes)
    if args.no_pictures and not args.crop:
        return
    image = read_image(path)
    if not args.no_pictures:
        save_picture(target, draw_detections(image, detections, classes))
    if args.crop:
        folder = Path(args.out) / "crops" / target.parent.relative_to(args.out)
        write_crops(folder, image, target.stem, detections, classes)


def line(path, detections, score, result, classes):
    """What was found in one image, and where nothing was, how near it came."""
    if result["counts"]:
        return f"{path}: " + ", ".join(f"{count} {name}" for name, count in result["counts"].items())
    if not len(detections):
        return f"{path}: 0 boxes above {score:g}, none above {min(score, LOWEST_SCORE):g} either"
    best = f"{detections.scores[0]:.2f} ({classes[detections.labels[0]]})"
    return f"{path}: 0 boxes above {score:g}, best {best}"


def load_model(framework, weights, device, precision=None):
    """A checkpoint as (recipe, spec, model): the classes, anchors and sizes are in it.

    precision: of its use, None for what the device is good at: as it was trained on a GPU, fp32 on a CPU.
    """
    checkpoint = load_checkpoint(weights, optimizer=False)
    recipe = from_dict(Recipe, checkpoint.recipe, f"checkpoint {weights}")
    if checkpoint.is_backbone:
        raise UserError(
            f"{weights} holds the backbone of {recipe.model.name} and nothing that finds objects; train.py --weights "
            f"trains the rest, and what comes of that is needed here"
        )
    precision = precision or ("fp32" if framework.is_cpu(device) else recipe.precision)
    recipe = recipe.model_copy(update={"precision": precision})
    spec = spec_of(recipe)
    model = framework.build(spec, device)
    strict(checkpoint.weights, framework.shapes(model), weights)
    framework.assign(model, checkpoint.weights)
    return recipe, spec, model


def table(metrics):
    """Metrics per class as text."""
    width = max([len("class"), *(len(name) for name in metrics["per_class"])])
    columns = ("AP50", "AP", "precision", "recall", "F1")
    lines = [f"{'class':{width}}  " + "  ".join(f"{name:>9}" for name in columns) + "  objects"]
    for name, values in metrics["per_class"].items():
        numbers = "  ".join(f"{shown(values[column]):>9}" for column in columns)
        lines.append(f"{name:{width}}  {numbers}  {values['ground_truths']:7}")
    return "\n".join(lines)
