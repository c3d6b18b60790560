"""What the sizes of boxes say: whether the network can see them at its input size, and whether its anchors fit them."""

import math

import numpy as np

from trizoo.diagnosis import limits
from trizoo.diagnosis.cause import LIKELY, POSSIBLE, Cause, Remedy
from trizoo.families import architecture
from trizoo.families.yolo.anchors import RECALL_IOU
from trizoo.ground.text import first_few
from trizoo.metrics import errors
from trizoo.training.anchor_fit import RECALL, anchors_command, better_ones, measure
from trizoo.training.specs import spec_of

SHORT = 4  # times SMALL: boxes below it may fit better where they are shown larger


def causes(history, images):
    """The `Cause`s in the sizes of a detector's `Images`, a list."""
    if architecture(images.recipe.model.name).task != "detection":
        return []
    found = [small_boxes(history, images), anchors(history, images), loose_boxes(history, images)]
    return [cause for cause in found if cause]


def small_boxes(history, images):
    """Boxes of few pixels at the input size."""
    recipe = images.recipe
    sides, labels = images.training.sides(recipe)
    if not len(sides):
        return None
    share, (width, height) = float((sides < limits.SMALL).mean()), recipe.input_size
    if share < limits.SMALL_SHARE:
        return None
    classes = [
        f"{name} ({np.median(sides[labels == label]):.1f})"
        for label, name in enumerate(recipe.classes)
        if (labels == label).any() and np.median(sides[labels == label]) < limits.SMALL
    ]
    evidence = [
        f"{share:.0%} of {len(sides):,} training boxes are below {limits.SMALL:g} pixels at {width}x{height} "
        f"({recipe.resize}), by the square root of their area; their median is {np.median(sides):.1f}"
    ]
    if classes:
        evidence.append(f"classes whose median is below that: {first_few(classes)}")
    factor = limits.SMALL / float(np.quantile(sides, limits.SMALL_SHARE))
    certainty = LIKELY if share >= limits.SMALL_MOST else POSSIBLE
    numbers = {"share": share, "median": float(np.median(sides)), "needed_factor": factor}
    return Cause("small_boxes", certainty, tuple(evidence), _larger(history, recipe, factor), numbers)


def _larger(history, recipe, factor):
    """Remedies that show objects `factor` times as large."""
    known, remedies = architecture(recipe.model.name), []
    multiple, side = known.size_multiple, min(recipe.input_size)
    if known.only_size is None and recipe.resize != "none":
        scaled = [math.ceil(min(factor, 2) * length / multiple) * multiple for length in recipe.input_size]
        policy = "" if recipe.resize != "pad" else " --set resize=letterbox"
        size = f"{scaled[0]}x{scaled[1]}"
        slower = math.prod(scaled) / math.prod(recipe.input_size)
        command = f"{history.again} --input-size {size}{policy}{_anew(recipe)}"
        remedies.append(Remedy(command, f"objects are larger; {slower:.1f} times the time and memory"))
    if known.only_size is not None:
        command = f"trizoo train --model yolov3 --data {history.named_data} --input-size 608"
        remedies.append(Remedy(command, f"{recipe.model.name} has one input size alone; this has any, and stride 8"))
    best = history.run.best
    command = f"trizoo predict photos/ --weights {history.folder}/{best.name} --tiles {side}"
    remedies.append(Remedy(command, "large pictures piece by piece; the training images should be such pieces too"))
    return tuple(remedies)


def anchors(history, images):
    """How well the model's anchors fit the training boxes, and whether others would fit better."""
    recipe = images.recipe
    spec = spec_of(recipe)
    fitted = measure(spec, images.training.records, recipe, limits.SAMPLE)
    if fitted is None or not len(fitted.best):
        return None
    recall, mean = fitted.recall, fitted.mean_iou
    if recall >= RECALL:
        return None
    width, height = recipe.input_size
    evidence = [
        f"best possible recall {recall:.0%}: so many of {len(fitted.best):,} training boxes have an anchor with an IoU "
        f"of {RECALL_IOU:g} or more at {width}x{height} ({recipe.resize}); the mean of the best IoUs is {mean:.2f}"
    ]
    numbers, remedies = {"recall": recall, "mean_iou": mean}, []
    then = f"trizoo train --recipe mine.yaml --data {history.named_data}"
    better = better_ones(fitted, spec, images.training.records, recipe)
    if better is not None:
        numbers |= {"better_recall": better.recall, "better_mean_iou": better.mean_iou}
        evidence.append(f"{_others(spec, better)} would have {better.recall:.0%} and {better.mean_iou:.2f}")
        remedies += _fitted(history, recipe, spec.fits_anchors, better)
        if spec.fits_anchors == "anchors":
            command = anchors_command(history.data, recipe, spec.name)
            remedies.append(Remedy(command, f"then: {then}, from scratch or from a backbone"))
    if spec.fits_anchors != "anchors":
        command = anchors_command(history.data, recipe, "yolov3", placed=False)
        remedies.append(Remedy(command, f"a YOLO takes anchors of the data's own: {then}"))
    if np.median(np.sqrt(fitted.sizes.prod(axis=1))) < SHORT * limits.SMALL:
        remedies += _larger(history, recipe, 1.5)
    why = "what shapes there are; few anchors fit what is longer than 1 to 3"
    remedies.append(Remedy(f"trizoo data show {history.shown_data}", why))
    certainty = LIKELY if recall < limits.RECALL_LOW else POSSIBLE
    return Cause("anchors", certainty, tuple(evidence), tuple(remedies), numbers)


def _others(spec, better):
    """What other anchors there could be, in words."""
    return "anchors by k-means" if spec.fits_anchors == "anchors" else f"anchors {better.words}"


def _fitted(history, recipe, key, better):
    """The remedy that begins anew with other anchors, a list; none with weights or a teacher that know others.

    Args:
        key: of the recipe's model section, where they stand
        better: the `Better` ones; a scale is measured from the run's own, so where there is one it is said
    """
    if history.pretrained is not False or (key == "anchor_scale" and recipe.distill.learns_outputs):
        return []
    if key != "anchors" and getattr(recipe.model, key):
        return [Remedy(f"{history.again} --set model.{key}={better.value:g}", "begins with these")]
    return [Remedy(f"{history.again} --anchors auto{_anew(recipe)}", "begins with these")]


def _anew(recipe):
    """The flag by which anchors that a run's recipe holds are chosen anew, or the weights', after a blank; or ""."""
    key = spec_of(recipe).fits_anchors
    return f" --set model.{key}=null" if key is not None and getattr(recipe.model, key) else ""


def loose_boxes(history, images):
    """Boxes that find their objects at an IoU of 0.5 and not at 0.75, by the final metrics' errors."""
    metrics, recipe = history.metrics, images.recipe
    costs = {kind: _number(metrics, "errors", "0.75", kind, "cost") for kind in errors.KINDS}
    cost, ap50, ap75 = costs.pop(errors.LOCALISATION), _number(metrics, "mAP50"), _number(metrics, "mAP75")
    most = not any(other > cost for other in costs.values())
    if history.is_overfit or not (ap50 >= limits.GOOD and cost >= limits.LOOSE and most):
        return None
    mean = _number(metrics, "matched_iou")
    evidence = [
        f"mAP50 is {ap50:.3f}, but AP at an IoU of 0.75 {ap75:.3f}: localisation costs {cost:.3f} of it, more than "
        f"any other kind of error; what is found at 0.5 has a mean IoU of {mean:.2f}"
    ]
    numbers = {"AP50": ap50, "AP75": ap75, "localisation": cost, "matched_iou": mean}
    spec = spec_of(recipe)
    fitted = measure(spec, images.training.records, recipe, limits.SAMPLE)
    remedies = []
    if fitted is not None and len(fitted.best):
        numbers["anchors_mean_iou"] = fitted.mean_iou
        better = better_ones(fitted, spec, images.training.records, recipe)
        others = "" if better is None else f", {_others(spec, better)} would have {better.mean_iou:.2f}"
        evidence.append(f"the anchors' mean IoU with the training boxes is {fitted.mean_iou:.2f}{others}")
        remedies = _fitted(history, recipe, spec.fits_anchors, better) if better is not None else []
    if architecture(recipe.model.name).only_size is None and recipe.resize != "none":
        remedies += _larger(history, recipe, 1.5)[:1]
    remedies.append(Remedy(f"trizoo data show {history.shown_data}", "whether the labels' own boxes are tight"))
    return Cause("loose_boxes", POSSIBLE, tuple(evidence), tuple(remedies), numbers)


def _number(value, *keys):
    """A number somewhere in a run's metrics, which may hold anything; nan where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else math.nan
