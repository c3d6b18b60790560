"""Weight files of others as checkpoints of ours."""

from pathlib import Path

from common.architectures import ARCHITECTURES, architecture
from common.download.remote import digests
from common.errors import UserError
from common.parity.golden import NUM_CLASSES, load_names
from common.recipes.load import load, to_dict
from common.recipes.schema import Recipe
from common.weights.checkpoint import Checkpoint, save
from common.weights.importers import darknet, import_weights
from common.weights.readers import read

PREDICTS = ".predict.bias"  # how the names of biases end that have 5 numbers and one for each class per anchor


def convert(source, out, *, model=None, classes=None, overrides=(), about=None):
    """Write the weights in a file as a checkpoint at `out`: `common.weights.importers.imported.Imported`.

    model: the zoo's name, None where the file says which it is; classes: names, None for class-0, class-1 and so on
    overrides: (key, value, origin) for the recipe, such as its input size; about: kept in the checkpoint's state
    Raises UserError for files that can't be read, are of no model or another one, hold neither all of it nor its
    backbone, have another number of classes, or are checkpoints of ours already.
    """
    source = Path(source)
    weights = read(source)
    if weights.kind == "checkpoint":
        raise UserError(f"{source} is a checkpoint of TriZoo's already; it can be used as it is")
    model = model or _model_of(weights, source)
    architecture(model)
    imported = import_weights(weights, model, source=str(source))
    part = _part(model, imported, source)
    count = _num_classes(model, imported.arrays)
    if classes is None:
        classes = [f"class-{number}" for number in range(count)]
    elif count and len(classes) != count:
        given = f"{len(classes)} names were" if len(classes) > 1 else f"one name, {classes[0]}, was"
        raise UserError(f"{source} holds {model} for {count} classes and {given} given")
    given = [("model.name", model, "the weights"), ("classes", list(classes), "the weights"), *overrides]
    recipe = load(Recipe, base=model, overrides=given).recipe
    origin = {"file": source.name, "part": part, **(about or {})}
    if source.is_file():
        origin |= digests(source, {"sha256"})
    save(out, Checkpoint(imported.arrays, to_dict(recipe), weights.kind, state={"origin": origin}))
    return imported


def _model_of(weights, source):
    """The only model that takes all of a file's numbers."""
    if weights.kind == "darknet":
        fitting = [name for name, _ in darknet.recognise(weights.arrays["floats"].size)]
    else:
        fitting = [name for name in ARCHITECTURES if load_names(name).keys() <= weights.arrays.keys()]
    if len(fitting) == 1:
        return fitting[0]
    which = f"could be {' or '.join(fitting)}" if fitting else "is none of the zoo's models as a whole"
    raise UserError(f"{source} {which}; --model NAME says what it is for, one of {', '.join(ARCHITECTURES)}")


def _part(model, imported, source):
    """How much of its model a file holds: "model", or "backbone" where all that is missing lies behind that."""
    if not imported.missing:
        return "model"
    prefix = architecture(model).backbone
    lacking = [name for name in imported.missing if name.startswith(prefix)]
    if lacking or any(name.endswith(PREDICTS) for name in imported.arrays):
        raise UserError(
            f"{source} holds {len(imported.arrays)} of {model}'s {len(imported.arrays) + len(imported.missing)} arrays "
            f"and lacks {(lacking or imported.missing)[0]}; the whole model, or its backbone, is needed"
        )
    return "backbone"


def _num_classes(model, arrays):
    """For how many classes the arrays of a YOLO are; 0 where what predicts them isn't among them."""
    for name, shape in load_names(model).items():
        if name.endswith(PREDICTS) and name in arrays:
            anchors = shape[0] // (5 + NUM_CLASSES)  # the names file is of NUM_CLASSES classes
            return arrays[name].size // anchors - 5
    return 0
