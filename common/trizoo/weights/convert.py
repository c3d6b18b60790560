"""Weight files of others as checkpoints of ours."""

from pathlib import Path

from trizoo.download.remote import digests
from trizoo.families import ARCHITECTURES, architecture, model_spec
from trizoo.families.yolo.coding import CODED
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.weights.checkpoint import Checkpoint, save
from trizoo.weights.classes import assign_classes
from trizoo.weights.importers import darknet, import_weights, misfit
from trizoo.weights.importers.imported import NEAR, ChangedError
from trizoo.weights.importers.shapes import check_options, check_shapes
from trizoo.weights.names import NUM_CLASSES
from trizoo.weights.readers import read

PREDICTS = ".predict"  # stands in the names of what predicts


def convert(source, out, *, model=None, classes=None, anchors=None, overrides=(), about=None):
    """Write the weights in a file as a checkpoint at `out`: `trizoo.weights.importers.imported.Imported`.

    Args:
        model: the zoo's name, None where the file says which it is
        classes: names of the file's outputs, see `trizoo.weights.classes`; None for class-0, class-1 and so on
        anchors: (width, height) pairs in input pixels that a YOLO was trained with, as its repository lists them; None
            for its repository's own
        overrides: (key, value, origin) for the recipe, such as its input size
        about: kept in the checkpoint's state

    Raises:
        UserError: for files that can't be read, are of no model or another one, hold neither all of it nor its
            backbone, have arrays of other shapes or another number of classes, or are checkpoints of ours already; for
            overrides that make another graph than the file's
    """
    source = Path(source)
    weights = read(source)
    if weights.kind == "checkpoint":
        raise UserError(f"{source} is a checkpoint of TriZoo's already; it can be used as it is")
    model = model or _model_of(weights, source)
    architecture(model)
    imported = import_weights(weights, model, source=str(source))
    part = _part(model, imported, source)
    check_shapes(imported, model, source)
    arrays, classes = assign_classes(imported, model, classes, source)
    settings = {"model.name": model, "classes": classes}
    # a zoo's recipe may train from scratch by another coding than that of published weights
    settings |= {f"model.{key}": None for key in CODED if key in architecture(model).options.model_fields}
    settings |= {f"model.{key}": value for key, value in imported.settings.items()} | dict(imported.recipe)
    if anchors is not None:
        settings["model.anchors"] = of_the_model(anchors, imported.anchor_places)
        model_spec(model, NUM_CLASSES, anchors=settings["model.anchors"])  # says so where they don't fit the model
    given = [*((key, _listed(value), "the weights") for key, value in settings.items()), *overrides]
    recipe = load(Recipe, base=model, overrides=given).recipe
    check_options(imported, model, dict(recipe.model), source)
    origin = {"file": source.name, "part": part, **(about or {})}
    if source.is_file():
        origin |= digests(source, {"sha256"})
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    save(out, Checkpoint(arrays, to_dict(recipe), weights.kind, state={"origin": origin}))
    return imported


def _model_of(weights, source):
    """The only model that takes all of a file's numbers. Where none does, what is wrong by the one that is nearest."""
    misfits = {}
    if weights.kind == "darknet":
        fitting = [name for name, _ in darknet.recognise(weights.arrays["floats"].size)]
    else:
        misfits = {name: misfit(weights, name, source) for name in ARCHITECTURES}
        fitting = [name for name, error in misfits.items() if error is None]
    if len(fitting) == 1:
        return fitting[0]
    changed = {name: error for name, error in misfits.items() if isinstance(error, ChangedError)}
    near = {name: error for name, error in changed.items() if error.wrong <= NEAR}
    if near and not fitting:
        nearest = min(near.values(), key=lambda error: error.wrong)
        raise UserError(f"{nearest} (considered: {', '.join(near)}; --model NAME says which it is for)")
    which = f"could be {' or '.join(fitting)}" if fitting else "is none of the zoo's models as a whole"
    raise UserError(f"{source} {which}; --model NAME says what it is for, one of {', '.join(ARCHITECTURES)}")


def _part(model, imported, source):
    """How much of its model a file holds: "model", or "backbone" where all that is missing lies behind that."""
    if not imported.missing:
        return "model"
    prefix = architecture(model).prefix
    lacking = [name for name in imported.missing if name.startswith(prefix)]
    if lacking or any(PREDICTS in name for name in imported.arrays):
        raise UserError(
            f"{source} holds {len(imported.arrays)} of {model}'s {len(imported.arrays) + len(imported.missing)} arrays "
            f"and lacks {(lacking or imported.missing)[0]}; the whole model, or its backbone, is needed"
        )
    return "backbone"


def of_the_model(anchors, places):
    """The anchors that a model has of those that a repository lists; all where there are other numbers of them."""
    return tuple(anchors[place] for place in places) if places and len(anchors) > max(places) else tuple(anchors)


def _listed(value):
    """Tuples as the lists that a file would have."""
    return [_listed(part) for part in value] if isinstance(value, tuple) else value
