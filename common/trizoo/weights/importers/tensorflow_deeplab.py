"""TensorFlow's own DeepLab on Xception-65 and MobileNetV2, as the checkpoints of its model zoo have it.

Names and graph: research/deeplab/{model,core/xception,core/feature_extractor}.py and research/slim/nets/mobilenet of
github.com/tensorflow/models. `keras_deeplab` is about a port of the same networks, whose layers have the same names but
for the scopes: so those are taken out, and the rest is done there.
"""

import re

from trizoo.ground.errors import UserError
from trizoo.weights.importers import keras_deeplab
from trizoo.weights.importers.renaming import take

SCOPES = (
    (r"^(xception_65|MobilenetV2|decoder)/", ""),
    (r"^(entry|exit)_flow/block(\d)/unit_1/xception_module/", r"\1_flow_block\2_"),
    (r"^middle_flow/block1/unit_(\d+)/xception_module/", r"middle_flow_unit_\1_"),
    (r"/BatchNorm$", "_BN"),
)
LEAVES = {
    "weights": "weight",
    "depthwise_weights": "weight",
    "biases": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
LOGITS = keras_deeplab.LOGITS[0]
NEEDED = "the model zoo's on Xception-65, with rates and decoder, or on MobileNetV2, without either, is needed"


def named(weights):
    """{"<layer>.<leaf>": array} of a `trizoo.weights.readers.Weights` of kind "tensorflow"; views without a copy.

    Layers are called as in the Keras port where that has one, kernels are (out, in, h, w), depthwise ones (channels, 1,
    h, w).
    """
    arrays = {}
    for path, array in weights.arrays.items():
        layer, _, leaf = path.rpartition("/")
        name = f"{_layer(layer)}.{LEAVES.get(leaf, leaf)}"
        if array.ndim == 4:
            array = array.transpose((2, 3, 0, 1) if leaf == "depthwise_weights" else (3, 2, 0, 1))
        arrays[path if name in arrays else name] = array
    return arrays


def import_arrays(arrays, model, source):
    """The Imported of arrays as `named` gives them, None for others than a DeepLab's.

    Raises UserError for another model's, and for a DeepLab of another graph than the model's.
    """
    if f"{LOGITS}.weight" not in arrays:
        return None
    its = keras_deeplab.model_of(arrays)
    if its is None:
        raise UserError(f"{source} is TensorFlow's DeepLab on another backbone; {NEEDED}")
    if model != its:
        raise UserError(f"{source} is TensorFlow's DeepLab and no {model}; --model {its} is needed")
    names = keras_deeplab.names_of(model, LOGITS)
    lacking = [name for name in names.values() if name not in arrays]
    beyond = sorted(arrays.keys() - names.values())
    if lacking or beyond:
        odd = f"lacks {lacking[0]}" if lacking else f"also holds {beyond[0]}"
        raise UserError(f"{source} is TensorFlow's DeepLab of another graph than {model}: it {odd}; {NEEDED}")
    return keras_deeplab.adapted(take(arrays, names, model, source))


def _layer(path):
    for pattern, name in SCOPES:
        path = re.sub(pattern, name, path)
    return path.replace("/", "_")
