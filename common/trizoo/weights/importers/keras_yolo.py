"""YOLOs of Keras and TF2 whose layers have numbers for names: keras-yolo3's, and those of bubbliiiing.

Names and graphs: yolo3/model.py and convert.py of github.com/qqwweee/keras-yolo3, nets/*.py of github.com/bubbliiiing/
{yolo3,yolov4,yolov4-tiny}-{keras,tf2}. conv2d_1, batch_normalization_1 and so on are numbered as they were made, which
is the order of Darknet's files and so of ours. The first number differs with what Keras had made before. A file lists
layers by their depth instead, so numbers alone say what is what; shapes have to agree. Batch norms have Keras's eps.
"""

import re

from trizoo.ground.errors import UserError
from trizoo.weights.importers import darknet
from trizoo.weights.importers.batch_norm import with_eps
from trizoo.weights.importers.bubbliiiing import BYTES, OWN_ANCHORS, PLAIN
from trizoo.weights.importers.imported import ChangedError, Imported
from trizoo.weights.importers.renaming import as_float32
from trizoo.weights.names import NUM_CLASSES, load_names

EPS = 1e-3  # Keras's own
LAYER = re.compile(r"(conv2d|batch_normalization)(?:_v1)?(?:_(\d{1,9}))?\.(\w+)")
# places among the repositories' anchors, whose heads have the masks 3,4,5 and 1,2,3; our yolov4-tiny has no first one
PLACES = {"yolov3-tiny": (1, 2, 3, 3, 4, 5), "yolov4-tiny": (1, 2, 3, 4, 5)}
TINY_ANCHORS = ((23, 27), (37, 58), (81, 82), (81, 82), (135, 169), (344, 319))
SHARED_ANCHOR = (
    "its second head has the anchors 2, 3 and 4 of six, as keras-yolo3 trains it; Darknet's own file has 1, 2 and 3: "
    "convert that one itself instead of what convert.py made of it"
)


def import_arrays(arrays, model, source):
    """The Imported of arrays as `keras_layers.named` gives them, None for other layers than numbered ones.

    Raises UserError for another model's.
    """
    layers = {}
    for name in arrays:
        if (match := LAYER.fullmatch(name)) is None:
            return None
        layers.setdefault((match[1], int(match[2] or 0)), {})[match[3]] = name
    try:
        convolutions = darknet.layout(model, NUM_CLASSES)
    except UserError:  # no model of Darknet's
        return None
    theirs = [[layers[key] for key in sorted(layers) if key[0] == kind] for kind in ("conv2d", "batch_normalization")]
    counts = len(convolutions), sum(len(convolution) > 2 for convolution in convolutions)
    if (len(theirs[0]), len(theirs[1])) != counts:
        raise UserError(
            f"{source} has {len(theirs[0])} numbered convolutions and {len(theirs[1])} batch norms, {model} "
            f"{counts[0]} and {counts[1]}; an unchanged network of this model is needed"
        )
    names = _names(convolutions, *map(iter, theirs))
    found = {}
    for ours, shape in load_names(model).items():
        array = arrays.get(names[ours])
        if array is None or (array.shape != shape and ".predict." not in ours):
            has = "nothing" if array is None else f"shape {array.shape}"
            raise ChangedError(
                f"{source} has {has} at {names[ours]}, {ours} of {model} is {shape}; a network of this model whose "
                f"layers are numbered in their order is needed"
            )
        found[ours] = as_float32(names[ours], array, source)
    settings = BYTES | (PLAIN if model.startswith("yolov4") else {})
    shares = model == "yolov3-tiny"
    return Imported(
        with_eps(found, EPS),
        (),
        settings=settings | ({"anchors": TINY_ANCHORS} if shares else {}),
        notes=(OWN_ANCHORS, SHARED_ANCHOR) if shares else (OWN_ANCHORS,),
        anchor_places=PLACES.get(model),
    )


def _names(convolutions, kernels, norms):
    """{our name: theirs}, "" where theirs lacks it.

    Args:
        convolutions: of `darknet.layout`
        kernels, norms: iterators of {leaf: name} of a layer
    """
    names = {}
    for convolution in convolutions:
        layer = next(kernels)
        norm = next(norms) if len(convolution) > 2 else layer  # of what predicts: its own bias
        *others, (kernel, _) = convolution
        names |= {name: norm.get(name.rpartition(".")[2], "") for name, _ in others}
        names[kernel] = layer.get("weight", "")
    return names
