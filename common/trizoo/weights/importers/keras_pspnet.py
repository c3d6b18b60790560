"""PSPNet of pspnet-keras and pspnet-tf2 of bubbliiiing, on MobileNetV2 and ResNet-50.

Names and graphs: nets/*.py of github.com/bubbliiiing/pspnet-{keras,tf2}. The backbones' layers have names, those behind
them Keras's numbers in the order in which they are made: the four bins, the block before the logits, these, and then
the auxiliary branch, which some versions name. All batch norms have Keras's eps.
"""

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.weights.importers.batch_norm import with_eps
from trizoo.weights.importers.bubbliiiing import BYTES, require, whole
from trizoo.weights.importers.bubbliiiing_masks import STRIDE, WITHOUT_AUXILIARY
from trizoo.weights.importers.keras import MOBILENET_V2_EPS, caffe_resnet_rules
from trizoo.weights.importers.keras_deeplab import RULES as DEEPLAB_RULES
from trizoo.weights.importers.keras_yolo import LAYER
from trizoo.weights.importers.renaming import rename, take
from trizoo.weights.names import NUM_CLASSES, load_names

WHAT = "pspnet-keras's or -tf2's PSPNet"
# numbered convolutions and batch norms: of the main branch, and with an auxiliary one that has no names
COUNTS = ((6, 5), (8, 6))
BRANCH = "branch_"
PADS = (
    "where an even number of pixels meets its convolutions of stride 2, as the fourth at 473, they pad at the right "
    "and below only, and ours on all sides: what follows lies half a pixel of its own off; fine-tuning makes up for it"
)


def import_arrays(arrays, model, source):
    """The Imported of arrays as `keras_layers.named` gives them, None for other layers than these.

    Raises UserError for another model's, and for a network that was changed.
    """
    mobile = "expanded_conv_depthwise.weight" in arrays and "Conv.weight" in arrays
    deep = "res2a_branch2a.weight" in arrays and "conv3.weight" in arrays
    layers = {}
    for name in arrays:
        if match := LAYER.fullmatch(name):
            layers.setdefault(match[1], {})[int(match[2] or 0)] = name.rpartition(".")[0]
    if not (mobile or deep) or not layers or "concat_projection.weight" in arrays:
        return None
    require(model, "pspnet-mobilenetv2" if mobile else "pspnet-resnet50", WHAT, source)
    convs, norms = (
        [of[number] for number in sorted(of)] for of in map(layers.get, ("conv2d", "batch_normalization"), ({}, {}))
    )
    if (len(convs), len(norms)) not in COUNTS:
        raise UserError(
            f"{source} is {WHAT} with {len(convs)} numbered convolutions and {len(norms)} batch norms; "
            f"an unchanged one, with 6 and 5 or with 8 and 6, is needed"
        )
    own = {"head_channels": 80} if mobile else {"deep_stem": True, "stride_on_1x1": True}
    settings = BYTES | {"align_corners": True} | own
    shapes = model_spec(model, NUM_CLASSES, **settings).names(load_names(model))
    names = rename(model, _rules(arrays, mobile, convs, norms), shapes)
    auxiliary = (BRANCH, *(f"{layer}." for layer in (*convs[6:], *norms[5:])))
    kept = {name: array for name, array in arrays.items() if not name.startswith(auxiliary)}
    imported = whole(take(kept, names, model, source, shapes), WHAT, model, source)
    notes = [STRIDE, *([PADS] if mobile else []), *([WITHOUT_AUXILIARY] if len(kept) < len(arrays) else [])]
    return imported._replace(
        arrays=with_eps(imported.arrays, MOBILENET_V2_EPS),
        settings=settings,
        notes=tuple(notes),
        recipe={"input_size": (473, 473)},
    )


def _rules(arrays, mobile, convs, norms):
    """Rules of a whole network.

    Args:
        convs, norms: its numbered layers in order
    """
    layers = {name.rpartition(".")[0] for name in arrays}
    deep = ((r"backbone\.stem\.conv(\d)\.conv", r"conv\1"), (r"backbone\.stem\.conv(\d)\.bn", r"bn_conv\1"))
    return (
        *(DEEPLAB_RULES if mobile else (*deep, *caffe_resnet_rules(layers))),
        (r"pyramid\.branches\.(\d)\.conv", lambda match: convs[int(match[1])]),
        (r"pyramid\.branches\.(\d)\.bn", lambda match: norms[int(match[1])]),
        (r"head\.conv\.conv", convs[4]),
        (r"head\.conv\.bn", norms[4]),
        (r"head\.predict_class", convs[5]),
    )
