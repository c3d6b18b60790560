"""From what `trizoo.weights.readers` reads to the canonical names of a model. `import_weights` is the one way in."""

from trizoo.families import architecture
from trizoo.families.base.spec import predicts
from trizoo.ground.errors import UserError
from trizoo.weights.importers import (
    amdegroot,
    bubbliiiing,
    bubbliiiing_masks,
    darknet,
    keras,
    keras_deeplab,
    keras_layers,
    keras_pspnet,
    keras_ssd,
    keras_yolo,
    tensorflow_deeplab,
    torchvision,
)
from trizoo.weights.importers.imported import ChangedError, Imported
from trizoo.weights.importers.renaming import as_float32
from trizoo.weights.names import load_names
from trizoo.weights.report import NOT_OURS


def import_weights(weights, model, source="the weights"):
    """The arrays of a `trizoo.weights.readers.Weights` under a model's canonical names: Imported.

    The number of classes is the file's; `trizoo.weights.classes` says which of its outputs are whose, and
    `trizoo.weights.report.match` what fits a model of another number.

    Args:
        source: how errors call the file

    Raises:
        UserError: where the file isn't of this model
    """
    if weights.kind == "darknet":
        return darknet.import_arrays(weights, model, source)
    return _by_name(weights, model, source) or _by_other_names(weights, model, source)


def fits(weights, model):
    """Whether a file, not one of Darknet's, holds all that a model needs, and under names of others nothing else."""
    return misfit(weights, model, "the weights") is None


def misfit(weights, model, source):
    """Why a file isn't a model's as a whole, a UserError; None where it `fits`.

    A ChangedError where it holds the model's arrays, most of them as the model needs them or few.
    """
    try:
        imported = import_weights(weights, model, source)
    except UserError as error:
        return error
    ours = load_names(model).keys() <= weights.arrays.keys()
    if not imported.missing and (ours or not imported.unexpected):
        return None
    prefix = architecture(model).prefix
    lacking = [name for name in imported.missing if name.startswith(prefix)]
    if imported.missing and not lacking and not any(map(predicts, imported.arrays)):
        return UserError(f"{source} is at most a backbone of {model}")
    odd = f"lacks {imported.missing[0]} of {model}" if imported.missing else f"also holds {imported.unexpected[0]}"
    wrong = len(imported.missing) + len(imported.unexpected)
    return ChangedError(f"{source} {odd}, so it isn't {model} as a whole", wrong / max(1, len(imported.arrays)))


def _by_other_names(weights, model, source):
    if weights.kind == "tensorflow":
        arrays, importers = tensorflow_deeplab.named(weights), (tensorflow_deeplab,)
    elif weights.kind in keras_layers.KINDS:
        arrays, importers = keras_layers.named(weights), (keras_yolo, keras_ssd, keras_pspnet, keras_deeplab, keras)
        older = keras.import_older(arrays, weights.about.get("layers", ()), model, source)
        if older is not None:
            return older
    else:
        arrays, importers = weights.arrays, (bubbliiiing, bubbliiiing_masks, torchvision, amdegroot)
    for importer in importers:
        imported = importer.import_arrays(arrays, model, source)
        if imported is not None:
            return imported._replace(notes=(*imported.notes, *_sorted_out(weights.about)))
    examples = ", ".join(list(weights.arrays)[:3])
    raise UserError(
        f"{source} ({weights.kind}) holds arrays named {examples[:200]} ..., which can't be turned into {model}; "
        f"weights with the names of {model}, of Darknet, torchvision, Keras Applications, keras-retinanet, "
        f"keras-deeplab-v3-plus, TensorFlow's DeepLab or ssd.pytorch, or of another repository that docs/weights.md "
        f"lists, are needed"
    )


def _sorted_out(about):
    """What a reader chose among the arrays of a file, in notes."""
    if averaged := about.get("averaged"):
        yield f"of {len(averaged)} arrays, {averaged[0]} first, it holds exponential moving averages, which were taken"
    if left_out := about.get("left_out"):
        yield f"{len(left_out)} arrays of an optimizer or counters were left out, {left_out[0]} first"


def _by_name(weights, model, source):
    """Arrays that have canonical names already: our own, in whatever format. None for others."""
    names = load_names(model)
    arrays = {name: as_float32(name, weights.arrays[name], source) for name in names if name in weights.arrays}
    if not arrays or bubbliiiing.OF_SHARED_NAMES in weights.arrays:
        return None
    unexpected = (name for name in weights.arrays if name not in arrays and name.rsplit(".", 1)[-1] != NOT_OURS)
    return Imported(arrays, tuple(name for name in names if name not in arrays), tuple(unexpected))
