"""The recipe of a new run, from what a user says of it: a model or a recipe file, weights, single values."""

from trizoo.families import architecture, backbone_of
from trizoo.families.yolo.coding import CODED
from trizoo.ground.errors import UserError
from trizoo.recipes.load import is_of_the_zoo, load, to_dict, value_of
from trizoo.recipes.schema import Recipe, base_of
from trizoo.weights.checkpoint import holds_backbone, load_recipe

DEFAULT_RECIPE = "yolov3-tiny"
FIRST_VALUES = ("objectness_prior", "initializer")  # of what a backbone's weights leave to begin from scratch
SYNTHETIC_RECIPE = "yolov3-tiny-synthetic"


def wanted_model(model, file, overrides):
    """The model that a name or a recipe file says, None without them.

    Args:
        overrides: as `new_recipe` has them, since a file may fit together with them alone
    """
    return model if model or file is None else load(Recipe, file=file, overrides=overrides).recipe.model.name


def smallest_batch(overrides, file, origin):
    """Overrides by which a batch that is yet to be found is one image of each of its parts, of which it is a multiple.

    Args:
        overrides, file: as `new_recipe` has them
        origin: what says that it is to be found
    """
    parts = value_of("schedule.accumulate", Recipe, file=file, overrides=overrides)
    if type(parts) is not int or parts <= 1:
        return []
    return [("schedule.batch_size", parts, origin), ("freeze.batch_size", None, origin)]


def new_recipe(overrides, *, model=None, file=None, weights=None, origin):
    """The recipe of a new run: overrides > file > base > default. A `trizoo.recipes.load.Loaded`.

    Without a file the base is the one that comes with the model. Weights bring their own model section, below what a
    recipe file itself or an override says, but above bases.

    Args:
        overrides: (dotted key, value, origin) each, the later over the earlier
        model: a name; None: the weights' or the file's, else YOLOv3-tiny
        file: a recipe file, or the name of a recipe that comes with the zoo
        weights: checkpoint file to fine-tune from
        origin: where `model` was said, for errors

    Raises:
        UserError: for an unknown model, for weights that don't fit it, and as `load` does
    """
    below, base = [], None
    if model:
        architecture(model)
        below.append(("model.name", model, origin))
    saved = _model_section(weights) if weights else None
    if file is None:
        own_data = any(key == "data.root" and value is not None for key, value, _ in overrides)
        base, of_family = base_of(
            model or (saved and saved["name"]) or (DEFAULT_RECIPE if own_data else SYNTHETIC_RECIPE)
        )
        below = of_family + below
    if saved:
        given = load(Recipe, file=file, base=base, overrides=[*below, *overrides])
        if given.recipe.model.name != saved["name"]:
            backbones = [value for key, value, _ in overrides if key == "model.backbone"]
            saved = _of_the_backbone(saved, given.recipe.model, weights, backbones[-1] if backbones else None)
        origins = {key: given.origins.get(f"model.{key}", "given") for key in saved}
        silent = [key for key, where in origins.items() if where == "default" or where.startswith("base ")]
        if file is not None and is_of_the_zoo(file):
            silent += [key for key in CODED if key in origins and key not in silent]
        below += [(f"model.{key}", saved[key], f"weights {weights}") for key in silent]
    return load(Recipe, file=file, base=base, overrides=[*below, *overrides])


def _model_section(weights):
    """The model section of a checkpoint, as a dict; what it had no word of yet is the model's own.

    A backbone knows nothing of how boxes are coded, nor of how what stands on it begins.
    """
    section = to_dict(Recipe())["model"] | load_recipe(weights)["model"]
    unknown = (*CODED, *FIRST_VALUES) if holds_backbone(weights) else ()
    return {key: value for key, value in section.items() if key not in unknown}


def check_anchored(loaded, flag=None):
    """UserError where the recipe of a model without anchors, or a flag, says what becomes of them.

    Args:
        loaded: of `new_recipe`
        flag: the value of --anchors, None where it isn't given
    """
    name, anchors = loaded.recipe.model.name, loaded.recipe.anchors
    if (flag or anchors != "auto") and architecture(name).task != "detection":
        given = f"--anchors {flag}" if flag else f"anchors: {anchors}"
        raise UserError(f"{given} is of a detector with anchors, and {name} is none; leave it out")


def check_frozen(loaded, file):
    """UserError where a run without weights is to freeze epochs; those that the zoo's own recipes freeze then aren't.

    Args:
        loaded: of `new_recipe`
        file: the recipe file, None without one
    """
    epochs, origin = loaded.recipe.freeze.epochs, loaded.origins["freeze.epochs"]
    ours = origin == "default" or origin.startswith("base ") or (origin.startswith("file ") and is_of_the_zoo(file))
    if epochs and not ours:
        raise UserError(
            f"freeze.epochs is {epochs} ({origin}), and without pretrained weights there is nothing worth freezing; "
            f"--weights TAG, or freeze.epochs=0, would do"
        )


def _of_the_backbone(saved, wanted, weights, backbone):
    """What the model section of a backbone's or a classifier's weights says of the backbone, for a model on it.

    Raises UserError for weights of another whole model, and for another backbone.

    Args:
        backbone: the one that an override names, None for the model's own
    """
    name = backbone or backbone_of(dict(wanted))
    theirs = backbone_of(saved)
    lends = architecture(saved["name"]).lends_backbone or holds_backbone(weights)
    if not lends or theirs is None:
        raise UserError(f"{weights} holds {saved['name']}, which doesn't fit {wanted.name}")
    if name != theirs:
        raise UserError(
            f"{weights} holds {theirs}, and {wanted.name} stands on {name or 'a backbone of its own'}; "
            f"--set model.backbone={theirs} would make it fit where the model can stand on it"
        )
    return {key: saved[key] for key in ("mean", "std", "stride_on_1x1") if key in saved}
