"""The anchors that a model from scratch begins with, and what is told of them."""

import numpy as np

from trizoo.data.texts import Chosen
from trizoo.families import architecture
from trizoo.families.yolo.anchors import rounded
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.anchor_fit import RECALL, anchors_command, as_sizes, better_ones, measure, numbers, suffice
from trizoo.training.data import as_typed
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import gives_backbone_alone, holds_backbone, load_recipe


def begin_with(recipe, sources, say, *, weights=None, world):
    """The recipe of a new run with the anchors that it begins with; it says which they are where they are others.

    A whole model's weights bring their anchors along. Else a recipe that gives none, and whose `anchors` is auto, gets
    the YOLO's own where they `suffice`, else these scaled to the input size, or k-means' where these fit clearly
    better; and those of SSD and RetinaNet by the scale of the teacher whose outputs they learn, by the one that the
    model learns well with, or by one that fits clearly better. What then fits badly is told.

    Args:
        sources: `trizoo.training.data.Sources`
        say: gets a line
        weights: checkpoint file that training begins with
        world: the processes, all of which get what the first has found
    """
    key = spec_of(recipe).fits_anchors
    if key is None:
        return recipe
    saved = load_recipe(weights) if weights is not None else None
    knows_boxes = saved is not None and not gives_backbone_alone(holds_backbone(weights), saved, recipe.model.name)
    if knows_boxes and getattr(recipe.model, key) is None:
        recipe = _with(recipe, key, saved["model"].get(key))
    chooses = not knows_boxes and getattr(recipe.model, key) is None and recipe.anchors == "auto"
    is_taught = key == "anchor_scale" and recipe.distill.learns_outputs
    theirs = _scale_of_teacher(recipe) if is_taught and chooses else None
    if theirs is not None:
        recipe, chooses = _with(recipe, key, None if theirs == 1 else theirs), False
        times = "" if theirs == 1 else f"{theirs:g} times "
        say(f"anchors: {times}{recipe.model.name}'s own, as its teacher has them")
    chosen = None
    if world.is_first:
        records = Chosen(sources.training.records, np.array(sources.members, np.int64))
        fitted = measure(spec_of(recipe), records, recipe)
        usual = _usual(fitted, recipe, key) if chooses and not is_taught else None
        if usual is not None:
            recipe = _with(recipe, key, usual)
            chosen, fitted = getattr(recipe.model, key), measure(spec_of(recipe), records, recipe)
        if len(fitted.best):
            knows = knows_boxes or is_taught
            better = None if knows else better_ones(fitted, spec_of(recipe), records, recipe)
            if chooses:
                chosen = chosen if better is None else better.value
                _tell_choice(fitted, better, recipe, say)
            else:
                _tell_misfit(fitted, better, recipe, say, knows_boxes=knows_boxes)
        else:
            _tell_none(records, recipe, say)
    chosen = world.of_first(chosen)
    return recipe if chosen is None else _with(recipe, key, chosen)


def _usual(fitted, recipe, key):
    """What a model from scratch begins with where nothing fits clearly better; None for its own as they are.

    Args:
        fitted: the `Fit` of these
        key: of the model section, that says which anchors there are
    """
    known = architecture(recipe.model.name)
    if key == "anchor_scale":
        scale = known.scale_from_scratch if recipe.model.anchor_preset is None else 1
        return None if scale == 1 else scale
    own = None if suffice(fitted, recipe) else known.anchors_at(recipe.input_size)
    return None if own is None else rounded(own).tolist()


def _scale_of_teacher(recipe):
    """The scale of a teacher's anchors, which are the model's own otherwise; None where they are others."""
    path = recipe.distill.teacher
    ours, theirs = spec_of(recipe), spec_of(from_dict(Recipe, load_recipe(path), f"checkpoint {path}"))
    is_alike = type(theirs) is type(ours) and theirs.anchor_preset == ours.anchor_preset
    return theirs.anchor_scale if is_alike else None


def _tell_none(records, recipe, say):
    """Says that there is nothing to learn where no record, also of those that weren't measured, has a box."""
    crowds = 0
    for number in range(len(records)):
        record = records[number]
        crowded = int(np.count_nonzero(record.crowd))
        if len(record.boxes) > crowded:
            return
        crowds += crowded
    if len(records):
        what = "all boxes that are trained on are crowds" if crowds else "no image that is trained on has a box"
        checked = f"trizoo data check {as_typed(recipe.data)} says what was read"
        say(f"warning: {what}, so nothing but background is learnt; {checked}")


def _with(recipe, key, value):
    if key == "anchors" and value is not None:
        value = as_sizes(value)
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={key: value})})


def _tell_choice(fitted, better, recipe, say):
    """Says what a run begins with that was to choose.

    Args:
        fitted: of the model's own, scaled where the recipe has anchors or a scale of them
        better: None where they stay
    """
    width, height = recipe.input_size
    known = architecture(recipe.model.name)
    scaled = f", scaled to {width}x{height}" if getattr(recipe.model, "anchors", None) else ""
    is_another_size = not scaled and recipe.loss.kind == "yolo" and known.anchors_at(recipe.input_size) is not None
    as_they_are = f", as they are at {width}x{height}" if is_another_size else ""
    scale = getattr(recipe.model, "anchor_scale", None)
    times = f"{scale:g} times " if scale else ""
    own = f"{times}{recipe.model.name}'s own{scaled or as_they_are}: {numbers(fitted)}"
    if better is not None:
        say(
            f"anchors: {better.words} on {len(fitted.best):,} boxes at {width}x{height} ({recipe.resize}): "
            f"{numbers(better)}; {own}; --anchors keep takes the model's own as they are"
        )
        if better.recall < RECALL:
            say(f"warning: these anchors fit the boxes badly, too; {_larger(recipe)}")
    elif fitted.recall < RECALL:
        say(f"warning: the anchors fit these boxes badly: {own}; {_larger(recipe)}")
    elif scaled or times:
        say(f"anchors: {own}; --anchors keep takes them as they are")
    elif is_another_size:
        say(f"anchors: {own}")


def _tell_misfit(fitted, better, recipe, say, knows_boxes):
    """Says where anchors that are kept fit badly, or others better, and what would do."""
    if fitted.recall >= RECALL and better is None:
        return
    width, height = recipe.input_size
    key = spec_of(recipe).fits_anchors
    if better is not None:
        others = "k-means'" if key == "anchors" else better.words
        ways = f"{others} would have {numbers(better)}; {_way(recipe, key, better)} to begin with them"
    elif knows_boxes and key == "anchors":
        command = anchors_command(as_typed(recipe.data), recipe, recipe.model.name)
        ways = f"{command} finds others, for a run that begins without these weights' heads"
    else:
        ways = _larger(recipe)
    told = "anchors: kept as they are" if fitted.recall >= RECALL else "warning: the anchors fit these boxes badly"
    say(f"{told} at {width}x{height} ({recipe.resize}): {numbers(fitted)}; {ways}")


def _way(recipe, key, better):
    """How a run begins with better anchors than those that are kept."""
    if getattr(recipe.model, key) is None:
        return "--anchors auto"
    return f"leave model.{key} out" if key == "anchors" else f"--set model.{key}={better.value:g}"


def _larger(recipe):
    """What there is for boxes that no anchors fit."""
    larger = f"trizoo data show {as_typed(recipe.data)} shows their sizes"
    if architecture(recipe.model.name).only_size is None and recipe.resize != "none":
        larger += ", and a larger --input-size may do"
    if spec_of(recipe).fits_anchors == "anchors":
        return larger
    return f"{larger}; a YOLO's anchors, as of --model yolov3-tiny, are fitted to the boxes one by one"
