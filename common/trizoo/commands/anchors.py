"""What `trizoo anchors` does: YOLO anchors, how well they fit a data set's boxes, and new ones by k-means.

A size is a (width, height) in pixels of the network's input. A model's anchors are compared with those that k-means
finds in a data set, and better ones put into a recipe.
"""

import sys

import numpy as np

from trizoo.data.boxes.find import find_boxes
from trizoo.families import check_input_size
from trizoo.families.yolo.anchors import AnchorReport, fit_sizes, kmeans, parse_anchors, rounded
from trizoo.families.yolo.spec import YOLO_ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.pictures.figures import check_figure, save_figure
from trizoo.pictures.style import COLOURS
from trizoo.recipes.edit import check_recipe_file, flow, write_anchors
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.training.data import training_split

COMMAND = "trizoo anchors"


def _old_anchors(against, k):
    """The anchors to compare with, and the model they belong to or None: --against and --k -> ((A, 2), name)."""
    if against is None:
        against = next((name for name, known in YOLO_ARCHITECTURES.items() if len(known.anchors) == (k or 9)), None)
        if against is None:
            raise UserError(f"no model has {k} anchors by default; say with --against what to compare them with")
    if "," in against:
        return parse_anchors(against), None
    if against not in YOLO_ARCHITECTURES:
        raise UserError(f"{against!r} is no YOLO model; one of {', '.join(YOLO_ARCHITECTURES)} would do")
    return np.array(YOLO_ARCHITECTURES[against].anchors, np.float64), against


def _recipe_there(path, k):
    """The Recipe of a file that is there, None where none is. Raises UserError unless its model has k anchors."""
    if not path.exists():
        return None
    found = load(Recipe, file=path.absolute())
    model = found.recipe.model.name
    count = len(YOLO_ARCHITECTURES[model].anchors) if model in YOLO_ARCHITECTURES else None
    if count == k or found.origins["model.name"] == "default":  # --model of train may say another
        return found.recipe
    ways = "another file with --write" if count is None else f"--against {model}, or another file with --write,"
    has = "no anchors of a YOLO" if count is None else f"{count} anchors"
    raise UserError(f"{path} is a recipe of {model}, which has {has}, and {k} are to be written; {ways} would do")


def _tell_another_size(recipe, arguments):
    """Says where a recipe that was there, or None, brings images to another size than that of the anchors."""
    if recipe is None:
        return
    is_another = arguments.policy != "none" and recipe.input_size != arguments.input_size
    if is_another or recipe.resize != arguments.policy:
        size = "x".join(map(str, recipe.input_size))
        print(
            f"warning: {arguments.write} has input_size {size} and resize {recipe.resize}, which these anchors aren't "
            f"for; --input-size {size} --policy {recipe.resize} would do"
        )


def _plot(sizes, report, path):
    """Draw box sizes and both sets of anchors, on logarithmic axes, into a file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.scatter(*sizes.T, s=5, color="0.7", linewidths=0, label=f"{len(sizes)} boxes")
    axes.scatter(*report.old.anchors.T, s=70, marker="x", color=COLOURS[1], label="old anchors")
    axes.scatter(*report.new.anchors.T, s=70, marker="o", facecolors="none", edgecolors=COLOURS[0], label="new anchors")
    axes.set(xlabel="width [pixels of the input]", ylabel="height [pixels of the input]")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    save_figure(path, figure, COMMAND)


def run(arguments):
    """The command. Returns the exit code: 0, or 1 where the new anchors are worse. Raises UserError for bad input."""
    width, height = input_size = arguments.input_size
    if min(input_size) < 1:
        raise UserError(f"--input-size is {width}x{height}; at least 1 pixel a side is needed")
    old, model = _old_anchors(arguments.against, arguments.k)
    k = len(old) if arguments.k is None else arguments.k
    if arguments.seed < 0:
        raise UserError(f"--seed is {arguments.seed}; a number from 0 on is needed")
    if k != len(old):
        raise UserError(f"--k {k} against {len(old)} anchors is no fair comparison; as many old ones are needed")
    if model:
        check_input_size(model, input_size)
    if arguments.write:
        check_recipe_file(arguments.write, "--write")
        recipe = _recipe_there(arguments.write, k)
    if arguments.plot:
        check_figure(arguments.plot, "--plot", COMMAND)
    listing = find_boxes(arguments.root, arguments.layout, arguments.images, arguments.annotations)
    split = arguments.split or training_split(Data(root=str(arguments.root)), listing.splits)
    records = listing.open(split).records
    sizes = fit_sizes(records, input_size, arguments.policy)
    new = rounded(kmeans(sizes, k, arguments.seed))
    report = AnchorReport.compare(sizes, old, new)
    unresized = arguments.policy == "none"
    shown = "images as they are" if unresized else f"{width}x{height} {arguments.policy}"
    print(f"{len(records)} images of {arguments.root} ({split}), {shown}\n{report}")
    if report.worse:
        print("the new anchors fit these boxes worse; nothing was written, keep the old ones", file=sys.stderr)
        return 1
    if arguments.write:
        head = (
            f"# Anchors: k-means on {len(sizes)} boxes, seed {arguments.seed}; best possible recall "
            f"{report.old.recall:.4f} -> {report.new.recall:.4f}, mean best IoU "
            f"{report.old.mean_iou:.4f} -> {report.new.mean_iou:.4f}\n"
            + (f"_base_: {model}\n" if model else "")
            + ("" if unresized else f"input_size: [{width}, {height}]\n")
            + f"resize: {arguments.policy}\n"
        )
        write_anchors(arguments.write, new, head=head)
        print(f"\nwrote {arguments.write}; these anchors belong to {shown}")
        _tell_another_size(recipe, arguments)
    else:
        print(f"\nmodel:\n  anchors: {flow(new)}")
    if arguments.plot:
        _plot(sizes, report, arguments.plot)
        print(f"wrote {arguments.plot}")
    return 0
