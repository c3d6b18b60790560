"""How well anchors fit the boxes that are trained on, and those that a YOLO from scratch begins with.

Boxes are measured as they will be placed: resized by the recipe's policy to its input size. With sizes that change
(`multi_scale`) that is the size in the middle.
"""

from dataclasses import dataclass

import numpy as np

from trizoo.augment.letterbox import fit
from trizoo.data.statistics import evenly
from trizoo.data.texts import Chosen
from trizoo.families import architecture
from trizoo.families.yolo.anchors import RECALL_IOU, anchor_fit, kmeans, rounded
from trizoo.ground.errors import UserError
from trizoo.training.build import spec_of
from trizoo.weights.checkpoint import holds_backbone, load_recipe

MOST_IMAGES = 10_000  # that are looked at, evenly spread; with MOST_BOXES a second or two of 120,000 images
MOST_BOXES = 50_000
MOST_LAID = 500  # boxes that SSD's and RetinaNet's anchors are measured by where they lie, up to 120,000 of them
RECALL = 0.85  # boxes with an anchor of RECALL_IOU: below it is worth a word; BCCD has 0.95 to 0.99 with YOLOs' own
# mean IoU that k-means' anchors have to gain, by judgement: on BCCD and on drawings they gain 0.13 to 0.24, and two
# runs of k-means differ by 0.01
GAIN = 0.05


@dataclass(frozen=True)
class Fit:
    """How well a model's anchors fit boxes.

    Args:
        best: IoU of each box with its best anchor, float64 (N,)
        sizes: of the boxes, in pixels of the input, float64 (N, 2)
    """

    best: np.ndarray
    sizes: np.ndarray

    @property
    def recall(self):
        """The best possible recall: the share of boxes with an anchor of RECALL_IOU or more; nan without boxes."""
        return float((self.best >= RECALL_IOU).mean()) if len(self.best) else float("nan")

    @property
    def mean_iou(self):
        """nan without boxes."""
        return float(self.best.mean()) if len(self.best) else float("nan")


def numbers(fitted):
    """A `Fit`, or an AnchorFit, in words."""
    return f"mean IoU {fitted.mean_iou:.2f}, {fitted.recall:.0%} of the boxes above {RECALL_IOU:g}"


def placed(record, recipe):
    """A record's boxes on the input, crowds left out: float32 (N, 4), and the canvas's (width, height)."""
    placement = fit(record.size, recipe.input_size, recipe.resize)
    boxes = record.boxes[~record.crowd] if len(record.crowd) else record.boxes
    return placement.forward(boxes), placement.canvas


def measure(spec, records, recipe, most=None):
    """The `Fit` of a model's anchors, None where it has none.

    Args:
        spec: ModelSpec
        records: with boxes
        recipe: how they are placed
        most: boxes that are looked at, evenly spread; None: MOST_BOXES of a YOLO, else MOST_LAID
    """
    if spec.anchor_overlaps(np.zeros((0, 4), np.float32), recipe.input_size) is None:
        return None
    most = most or (MOST_BOXES if spec.family == "yolo" else MOST_LAID)
    boxes, canvases = [np.zeros((0, 4), np.float32)], [np.zeros((0, 2), np.int64)]
    for place in evenly(len(records), MOST_IMAGES):
        of_image, canvas = placed(records[place], recipe)
        boxes.append(of_image)
        canvases.append(np.tile(canvas, (len(of_image), 1)))
    boxes, canvases = np.concatenate(boxes), np.concatenate(canvases)
    chosen = np.array(evenly(len(boxes), most), np.int64)
    boxes, canvases = boxes[chosen], canvases[chosen]
    best = np.zeros(len(boxes))
    for canvas in np.unique(canvases, axis=0):
        on_it = (canvases == canvas).all(axis=1)
        best[on_it] = spec.anchor_overlaps(boxes[on_it], tuple(canvas.tolist()))
    return Fit(best, (boxes[:, 2:] - boxes[:, :2]).astype(np.float64))


def better_ones(fitted, name, seed=0):
    """The AnchorFit of as many anchors by k-means as a YOLO has, where they gain GAIN of mean IoU over its `Fit`.

    None where they don't, or where there are too few boxes.
    """
    sizes = fitted.sizes[(fitted.sizes > 0).all(axis=1)]
    if not len(sizes) or fitted.mean_iou > 1 - GAIN:
        return None
    try:
        found = anchor_fit(sizes, rounded(kmeans(sizes, len(architecture(name).anchors), seed)))
    except UserError:  # fewer distinct sizes than anchors
        return None
    return found if found.mean_iou - fitted.mean_iou >= GAIN else None


def begin_with(recipe, sources, say, *, weights=None, world):
    """The recipe of a new run with the anchors that it begins with; it says which they are where they are others.

    A whole model's weights bring their anchors along. Else a recipe that gives none, and whose `anchors` is auto, gets
    the YOLO's own, scaled to the input size, or k-means' where these gain GAIN. What then fits badly is told.

    Args:
        sources: `trizoo.training.data.Sources`
        say: gets a line
        weights: checkpoint file that training begins with
        world: the processes, all of which get what the first has found
    """
    is_yolo = spec_of(recipe).family == "yolo"
    knows_boxes = weights is not None and not holds_backbone(weights)
    if is_yolo and knows_boxes and recipe.model.anchors is None:
        recipe = _with(recipe, load_recipe(weights)["model"].get("anchors"))
    chooses = is_yolo and not knows_boxes and recipe.model.anchors is None and recipe.anchors == "auto"
    if chooses:
        own = architecture(recipe.model.name).anchors_at(recipe.input_size)
        recipe = _with(recipe, None if own is None else rounded(own).tolist())
    chosen = None
    if world.is_first:
        spec = spec_of(recipe)
        fitted = measure(spec, Chosen(sources.training.records, np.array(sources.members, np.int64)), recipe)
        if fitted is not None and len(fitted.best):
            may_change = is_yolo and not knows_boxes
            better = better_ones(fitted, spec.name, recipe.seed) if may_change else None
            if chooses:
                chosen = None if better is None else better.anchors.tolist()
                _tell_choice(fitted, better, recipe, say)
            else:
                _tell_misfit(fitted, better, recipe, say, is_yolo=is_yolo, knows_boxes=knows_boxes)
    chosen = world.of_first(chosen)
    return _with(recipe, chosen) if chosen else recipe


def _with(recipe, anchors):
    anchors = None if anchors is None else tuple((float(width), float(height)) for width, height in anchors)
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"anchors": anchors})})


def _tell_choice(fitted, better, recipe, say):
    """Says what a run begins with that was to choose.

    Args:
        fitted: of the model's own, scaled where the recipe has anchors
        better: None where they stay
    """
    width, height = recipe.input_size
    scaled = f", scaled to {width}x{height}" if recipe.model.anchors else ""
    own = f"{recipe.model.name}'s own{scaled}: {numbers(fitted)}"
    if better is not None:
        sizes = ", ".join(f"{width:g}x{height:g}" for width, height in better.anchors)
        say(
            f"anchors: {sizes}, by k-means on {len(fitted.best):,} boxes at {width}x{height} ({recipe.resize}): "
            f"{numbers(better)}; {own}; --anchors keep takes the model's own as they are"
        )
    elif fitted.recall < RECALL:
        say(f"warning: the anchors fit these boxes badly: {own}; {_larger(recipe)}")
    elif scaled:
        say(f"anchors: {own}; --anchors keep takes them as they are")


def _tell_misfit(fitted, better, recipe, say, is_yolo, knows_boxes):
    """Says where anchors that are kept fit badly, or k-means' better, and what would do."""
    if fitted.recall >= RECALL and better is None:
        return
    width, height = recipe.input_size
    if better is not None:
        way = "leave model.anchors out" if recipe.model.anchors else "--anchors auto"
        ways = f"k-means' would have {numbers(better)}; {way} to begin with them"
    elif is_yolo and knows_boxes:
        ways = (
            f"trizoo anchors {recipe.data.root} --against {recipe.model.name} --input-size {width}x{height} --policy "
            f"{recipe.resize} --write mine.yaml finds others, for a run that begins without these weights' heads"
        )
    elif is_yolo:
        ways = _larger(recipe)
    else:
        ways = f"{_larger(recipe)}; a YOLO's anchors, as of --model yolov3-tiny, are fitted to the boxes"
    told = "anchors: kept as they are" if fitted.recall >= RECALL else "warning: the anchors fit these boxes badly"
    say(f"{told} at {width}x{height} ({recipe.resize}): {numbers(fitted)}; {ways}")


def _larger(recipe):
    """What there is for boxes that no anchors fit."""
    return f"trizoo data show {recipe.data.root} shows their sizes, and a larger --input-size may do"
