"""TensorFlow's DeepLab as github.com/bonlime/keras-deeplab-v3-plus has it: Keras layers with names of their own.

Those of github.com/bubbliiiing/deeplabv3-plus-{keras,tf2} have the same names but for the last layer's, which is
Keras's own, and a decoder on MobileNetV2 too (nets/*.py there).

Names and graph: model.py there, with the backbone xception or mobilenetv2. Batch norms of the backbone have an eps of
1e-3, which goes into the variance, those behind it have ours. TensorFlow resizes so that corners meet corners, as our
graph does with `model.align_corners`. A note says where MobileNetV2 pads in another way.
"""

import re

from trizoo.ground.errors import UserError
from trizoo.weights.importers.batch_norm import with_eps
from trizoo.weights.importers.renaming import rename, take

TF = {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5), "align_corners": True}
BACKBONE_EPS = 1e-3
NUMBERED = re.compile(r"(conv2d(?:_\d{1,9})?)\.weight")  # the last layer of bubbliiiing's repositories
PADS = (
    "deeplabv3-plus-keras and -tf2 train at sides such as 512, where their convolutions of stride 2 pad at the right "
    "and below only, and ours on all sides: so what follows lies half a pixel off; fine-tuning makes up for it"
)
FIRST = {"entry_flow_conv1_1": "deeplabv3plus-xception65", "Conv": "deeplabv3-mobilenetv2"}  # layer -> model
ODD = (
    "its paddings are ours where the sides of the input are k * 16 + 1, such as 513, which it was made for; at others "
    "what follows the convolutions of stride 2 lies half a pixel off"
)
NORM = {"conv": "", "bn": "_BN"}  # ends of a convolution's name, and of its batch norm's
PLACES = {"entry": "entry_flow_block", "middle": "middle_flow_unit_", "exit": "exit_flow_block1"}


def _block(name, number):
    """A module of Xception: "entry.", 0 -> entry_flow_block1."""
    return PLACES[name] if number is None else f"{PLACES[name]}{int(number) + 1}"


RULES = (
    # Xception-65
    (r"backbone\.conv(\d)\.(conv|bn)", lambda match: f"entry_flow_conv1_{match[1]}{NORM[match[2]]}"),
    (
        r"backbone\.(entry|middle|exit)(?:\.(\d+))?\.conv(\d)\.(depthwise|pointwise)\.(conv|bn)",
        lambda match: f"{_block(match[1], match[2])}_separable_conv{match[3]}_{match[4]}{NORM[match[5]]}",
    ),
    (
        r"backbone\.(entry|exit)(?:\.(\d+))?\.shortcut\.(conv|bn)",
        lambda match: f"{_block(match[1], match[2])}_shortcut{NORM[match[3]]}",
    ),
    (
        r"backbone\.tail\.conv(\d)\.(depthwise|pointwise)\.(conv|bn)",
        lambda match: f"exit_flow_block2_separable_conv{match[1]}_{match[2]}{NORM[match[3]]}",
    ),
    # MobileNetV2
    (r"backbone\.stem\.(conv|bn)", lambda match: f"Conv{NORM[match[1]]}"),
    (
        r"backbone\.blocks\.(\d+)\.(expand|depthwise|project)\.(conv|bn)",
        lambda match: f"expanded_conv{'' if match[1] == '0' else '_' + match[1]}_{match[2]}{NORM[match[3]]}",
    ),
    # behind either
    (r"aspp\.conv\.(conv|bn)", lambda match: f"aspp0{NORM[match[1]]}"),
    (
        r"aspp\.dilated\.(\d)\.(depthwise|pointwise)\.(conv|bn)",
        lambda match: f"aspp{int(match[1]) + 1}_{match[2]}{NORM[match[3]]}",
    ),
    (r"aspp\.pool\.(conv|bn)", lambda match: f"image_pooling{NORM[match[1]]}"),
    (r"aspp\.project\.(conv|bn)", lambda match: f"concat_projection{NORM[match[1]]}"),
    (r"decoder\.low\.(conv|bn)", lambda match: f"feature_projection0{NORM[match[1]]}"),
    (
        r"decoder\.conv(\d)\.(depthwise|pointwise)\.(conv|bn)",
        lambda match: f"decoder_conv{int(match[1]) - 1}_{match[2]}{NORM[match[3]]}",
    ),
)
LOGITS = ("logits_semantic", "custom_logits_semantic")  # of the public classes, and of one's own


def import_arrays(arrays, model, source):
    """The Imported of arrays as `keras_layers.named` gives them, None for other layers than these.

    Raises UserError for another model's.
    """
    if "concat_projection.weight" not in arrays or "image_pooling.weight" not in arrays:
        return None
    its = model_of(arrays)
    if its == FIRST["Conv"] and "decoder_conv0_depthwise.weight" in arrays:
        its = "deeplabv3plus-mobilenetv2"
    if model != its:
        advice = f"--model {its} is needed" if its else "one on Xception-65 or MobileNetV2 is needed"
        raise UserError(f"{source} is keras-deeplab-v3-plus's DeepLab and no {model}; {advice}")
    logits = next((layer for layer in LOGITS if f"{layer}.weight" in arrays), None)
    numbered = [match[1] for name in arrays if (match := NUMBERED.fullmatch(name))]
    if logits or len(numbered) != 1:
        return adapted(take(arrays, names_of(model, logits or LOGITS[0]), model, source))
    imported = adapted(take(arrays, names_of(model, numbered[0]), model, source))
    return imported._replace(notes=(*imported.notes, PADS))


def model_of(arrays):
    """The zoo's model with the backbone of these arrays, None for other backbones."""
    return next((name for layer, name in FIRST.items() if f"{layer}.weight" in arrays), None)


def names_of(model, logits):
    """{our name: the port's} of a whole model.

    Args:
        logits: what the last layer is called
    """
    return rename(model, (*RULES, (r"head\.predict_class", logits)))


def adapted(imported):
    """An Imported of TensorFlow's numbers as our graph needs them, with settings and notes."""
    backbone = {name: array for name, array in imported.arrays.items() if name.startswith("backbone.")}
    mobile = "backbone.stem.conv.weight" in backbone
    return imported._replace(
        arrays=imported.arrays | with_eps(backbone, BACKBONE_EPS),
        settings=TF,
        notes=(ODD,) if mobile else (),
    )
