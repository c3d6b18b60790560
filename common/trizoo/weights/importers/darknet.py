"""Darknet's numbers as canonical arrays, and back. They have no names, only an order, and that the names files follow.

Per convolution, in the order of the network's definition: biases, scales, means, variances, kernel; without
normalisation: biases, kernel. The attributes of our models stand in the same order, so a model's names file says it
all. A file of fewer numbers, such as `darknet53.conv.74`, holds the first convolutions.

Batch norms divide by sqrt(variance) + 1e-6 in the first Darknet, which writes version 0.2.0, as YOLOv3's files have it.
In AlexeyAB's, which writes 0.2.5, as YOLOv4's files have it, they divide by sqrt(variance + 1e-5) where it predicts
(fuse_conv_batchnorm), as ours do: so 0.2.5 is what the zoo writes.
"""

import math

from trizoo.families.classification.spec import CLASSIFICATION_ARCHITECTURES
from trizoo.families.yolo.spec import YOLO_ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.weights.importers.batch_norm import with_darknets_root
from trizoo.weights.importers.imported import Imported
from trizoo.weights.names import NUM_CLASSES, load_names
from trizoo.weights.report import strict

NORM = ("bias", "weight", "running_mean", "running_var")  # Darknet's biases, scales, means, variances
ALEXEYABS = "0.2.5"  # version in the header
MOST_CLASSES = 1000  # of a model that is recognised by its number of floats alone
MODELS = (*YOLO_ARCHITECTURES, "classify-darknet53")  # the last as cfg/darknet53.cfg has it


def layout(model, num_classes):
    """A model's convolutions in Darknet's order, each a list of (canonical name, shape) in that order too.

    Raises UserError for a model that Darknet doesn't have.
    """
    if model not in MODELS:
        raise UserError(f"{model} is no model of Darknet's; one of {', '.join(MODELS)} is needed")
    names, convolutions = load_names(model), []
    for kernel in (name for name, shape in names.items() if len(shape) == 4):
        module = kernel.removesuffix(".weight")
        norm = f"{module.rpartition('.')[0]}.bn"
        before = [f"{module}.bias"] if f"{module}.bias" in names else [f"{norm}.{leaf}" for leaf in NORM]
        convolutions.append([*before, kernel])
    besides = _besides(model)
    return [
        [(name, _shape(name, names[name], besides, num_classes)) for name in convolution]
        for convolution in convolutions
    ]


def count(model, num_classes):
    """How many floats Darknet's file of a model has."""
    return sum(map(_floats, layout(model, num_classes)))


def recognise(floats):
    """The models that take exactly this many floats, and for how many classes: [(model, number of classes)]."""
    fitting = {model: _num_classes(model, floats) for model in MODELS}
    return [(model, classes) for model, classes in fitting.items() if classes <= MOST_CLASSES]


def import_arrays(weights, model, source="the file"):
    """The Imported of a `trizoo.weights.readers.Weights` of kind "darknet", its variances for our batch norms.

    See `import_floats`. A classifier's recipe normalises in another way than Darknet, which divides by 255.
    """
    imported = import_floats(weights.arrays["floats"], model, source=source)
    if model in CLASSIFICATION_ARCHITECTURES:
        imported = imported._replace(settings={"mean": (0.0, 0.0, 0.0), "std": (255.0, 255.0, 255.0)})
    if weights.about.get("version") == ALEXEYABS:
        return imported
    return imported._replace(arrays=with_darknets_root(imported.arrays))


def import_floats(floats, model, num_classes=None, source="the file"):
    """The numbers of a .weights file as the arrays of a model, views without a copy: Imported.

    A file of fewer numbers gives the first convolutions; the rest is `missing`.

    Args:
        floats: float32 (N,)
        num_classes: the file's, None where the number of floats is to say it
        source: how errors call the file

    Raises:
        UserError: for one that ends within a convolution, or goes on after the last
    """
    if num_classes is None:
        found = _num_classes(model, floats.size)
        num_classes = found if math.isfinite(found) else NUM_CLASSES
    arrays, position = {}, 0
    for convolution in layout(model, num_classes):
        if position == floats.size:
            break
        if position + _floats(convolution) > floats.size:
            end = f"it ends {floats.size - position:,} floats into {convolution[-1][0].removesuffix('.weight')}"
            raise _misfit(floats, model, num_classes, source, end)
        for name, shape in convolution:
            arrays[name] = floats[position : position + math.prod(shape)].reshape(shape)
            position += math.prod(shape)
    if position < floats.size:
        raise _misfit(floats, model, num_classes, source, f"{floats.size - position:,} are left over")
    if not arrays:
        raise _misfit(floats, model, num_classes, source, "it is empty")
    names = load_names(model)
    missing = tuple(name for name in names if name not in arrays)
    return Imported({name: arrays[name] for name in names if name in arrays}, missing)


def export_floats(arrays, model, source="the weights"):
    """The inverse of `import_floats`: a model's arrays by canonical name, as a list in the order of Darknet's file.

    Raises UserError with `source` unless the arrays are exactly the model's, for any number of classes.
    """
    names = load_names(model)
    outputs = next((name for name in names if name.endswith(".predict.bias")), None)
    num_classes = NUM_CLASSES
    if outputs in arrays:
        besides = _besides(model)
        num_classes = arrays[outputs].size // (names[outputs][0] // (besides + NUM_CLASSES)) - besides
    convolutions = layout(model, num_classes)
    strict(arrays, {name: shape for convolution in convolutions for name, shape in convolution}, source)
    return [arrays[name] for convolution in convolutions for name, _ in convolution]


def _besides(model):
    """Outputs of an anchor that are no class; a classifier has one anchor, and none."""
    return 0 if model in CLASSIFICATION_ARCHITECTURES else 5


def _shape(name, shape, besides, num_classes):
    """The shape of an array for so many classes, which is that given for NUM_CLASSES."""
    if ".predict." not in name:
        return shape
    return shape[0] // (besides + NUM_CLASSES) * (besides + num_classes), *shape[1:]


def _floats(convolution):
    return sum(math.prod(shape) for _, shape in convolution)


def _num_classes(model, floats):
    """For how many classes, at least one, a model takes so many floats; infinity where for none."""
    without, with_one = count(model, 0), count(model, 1)
    classes, rest = divmod(floats - without, with_one - without)
    return classes if classes > 0 and rest == 0 else math.inf


def _misfit(floats, model, num_classes, source, what):
    others = [f"{name} with {classes} classes" for name, classes in recognise(floats.size)]
    advice = f"that is what {' or '.join(others)} takes" if others else "a whole file of this model is needed"
    return UserError(
        f"{source} holds {floats.size:,} floats, {model} with {num_classes} classes takes"
        f" {count(model, num_classes):,}: {what}; {advice}"
    )
