"""What evaluate does to measure as a published figure was measured."""

from dataclasses import replace

from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggestion

OF_EVALUATE = ("score", "nms", "max_detections")


def conditions_of(tag):
    """A tag's `trizoo.download.manifest.Conditions`; UserError for what is no tag, or for one without them."""
    weights = load_manifest().weights
    if tag not in weights:
        raise UserError(f"--as-published is for tags, and {tag!r} is none{suggestion(tag, weights)}; leave it out")
    entry = weights[tag]
    if entry.conditions is None:
        with_some = ", ".join(name for name, other in weights.items() if other.as_published)
        raise UserError(
            f"how {tag} was measured isn't known; it is of {with_some}; leave it out, or choose one of these"
        )
    return entry.conditions


def as_published(read, args, conditions):
    """A `trizoo.training.build.Read` whose recipe says what the Conditions do; flags that are given stay above them.

    The input size and the output stride become the flags' own. NMS is hard, as it was wherever they come from.
    """
    if args.input_size is None:
        args.input_size = conditions.input_size
    if conditions.output_stride and args.output_stride is None:
        args.output_stride = str(conditions.output_stride)
    evaluate = {key: value for key in OF_EVALUATE if (value := getattr(conditions, key)) is not None}
    evaluate["nms_method"] = "hard"
    changes = {"evaluate": read.recipe.evaluate.model_copy(update=evaluate)}
    if conditions.resize:
        changes["resize"] = conditions.resize
    return replace(read, recipe=read.recipe.model_copy(update=changes))
