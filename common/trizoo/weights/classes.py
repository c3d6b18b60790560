"""Which outputs of imported weights are which classes.

Ours count from 0 and know no background, but that SSD's own first output is one, and that among the classes of
pixels it is as good as any. Files of others count a background too, and COCO's own numbers have gaps, "N/A" (`coco91`
of the manifest):

    YOLO                a file's classes are ours
    segmentation        so they are, with a background among them, which the zoo's data sets call "background"
    RetinaNet           each class has a sigmoid of its own, so the outputs of background and gaps are left out: nothing
                        that the others say changes
    SSD                 all outputs share a softmax, so those of gaps stay, as "N/A 12" for number 12: nothing is lost
"""

import numpy as np

from trizoo.download.manifest import load_manifest
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.weights.names import NUM_CLASSES, load_names

BACKGROUND, GAP = "__background__", "N/A"
SEGMENTED_BACKGROUND = "background"  # of trizoo.data


def assign_classes(imported, model, names, source):
    """The arrays of an Imported with the outputs that are classes, and what those are called: (arrays, names).

    Weights without outputs, a backbone's, keep what they have.

    Args:
        model: its name
        names: of the file's outputs, with or without its background; None for class-0, class-1 and so on
        source: what the file is called in errors

    Raises:
        UserError: for names that are too many or too few
    """
    per_anchor, anchors = outputs_of(imported.arrays, model, source)
    if not per_anchor:
        return imported.arrays, list(names or ())
    spec = model_spec(model, NUM_CLASSES)
    count = per_anchor - spec.besides
    hidden = int(imported.background)  # the first output
    names = [f"class-{number}" for number in range(count - hidden)] if names is None else list(names)
    if names[0] == BACKGROUND and (hidden or spec.background == "output"):
        names = names[1:]
    elif hidden and len(names) == count:
        hidden = 0  # a file whose first output is a class after all
    if spec.background == "class" and len(names) == count - 1 and SEGMENTED_BACKGROUND not in names:
        names = [BACKGROUND, *names]
    if len(names) != count - hidden:
        given = f"{len(names)} names were" if len(names) != 1 else f"one name, {names[0]}, was"
        lists = f"; as many, or one of the lists {', '.join(class_lists())}, are needed"
        raise UserError(f"{source} holds {model} for {count - hidden} classes and {given} given{lists}")
    if spec.background == "class":
        names = [SEGMENTED_BACKGROUND if name == BACKGROUND else name for name in names]
    if not spec.drops_gaps:
        return imported.arrays, [f"{GAP} {number}" if name == GAP else name for number, name in enumerate(names, 1)]
    kept = [number for number, name in enumerate(names) if name != GAP]
    arrays = {
        name: _rows(array, anchors, [hidden + number for number in kept]) if ".predict_class." in name else array
        for name, array in imported.arrays.items()
    }
    return arrays, [names[number] for number in kept]


def spread_classes(arrays, anchors, places, outputs, bias):
    """The inverse for a RetinaNet: its classes at these places of so many outputs; the others never see anything.

    Args:
        anchors: of a cell
        bias: of the others, whose kernels are 0
    """
    return {
        name: _spread(array, anchors, places, outputs, bias if name.endswith(".bias") else 0.0)
        if ".predict_class." in name
        else array
        for name, array in arrays.items()
    }


def class_lists():
    """{name: classes} of the manifest's lists, and of its data sets by their own names."""
    manifest = load_manifest()
    of_data = {name: data.classes for name, data in manifest.datasets.items() if data.classes}
    return dict(manifest.class_lists) | {name: manifest.class_lists[of] for name, of in of_data.items()}


def predicts_classes(name):
    """Whether an array makes outputs that stand for classes."""
    return ".predict." in name or ".predict_class." in name


def outputs_of(arrays, model, source):
    """How many outputs each anchor has, and anchors of a cell, of the first array that predicts; (0, 0) without one."""
    for name, shape in load_names(model).items():
        if name.endswith((".predict.bias", ".predict_class.bias")) and name in arrays:
            besides = model_spec(model, NUM_CLASSES).besides
            anchors = shape[0] // (besides + NUM_CLASSES)  # names files are of NUM_CLASSES classes
            outputs, rest = divmod(arrays[name].size, anchors)
            if rest or outputs <= besides:
                raise UserError(
                    f"{source} has {arrays[name].size} outputs a cell at {name}, which {anchors} anchors can't share; "
                    f"{model} has anchors of another number, so weights with as many are needed"
                )
            return outputs, anchors
    return 0, 0


def _rows(array, anchors, kept):
    """Some outputs of each anchor: (A * K, ...) -> (A * kept, ...)."""
    return array.reshape(anchors, -1, *array.shape[1:])[:, kept].reshape(-1, *array.shape[1:])


def _spread(array, anchors, places, outputs, value):
    """(A * C, ...) -> (A * outputs, ...) with the given ones at their places, and a value elsewhere."""
    spread = np.full((anchors, outputs, *array.shape[1:]), value, np.float32)
    spread[:, places] = array.reshape(anchors, -1, *array.shape[1:])
    return spread.reshape(-1, *array.shape[1:])
