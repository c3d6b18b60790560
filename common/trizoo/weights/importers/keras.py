"""Keras's own files: ResNet, VGG16 and MobileNetV2 of Keras Applications, and RetinaNet of keras-retinanet.

Names and graphs: keras/src/applications/{resnet,vgg16,mobilenet_v2}.py of github.com/keras-team/keras,
keras_retinanet/models/retinanet.py of github.com/fizyr/keras-retinanet and keras_resnet/blocks/_2d.py of
github.com/broadinstitute/keras-resnet. What differs there and is put right here: ResNets stride on the 1x1, their
convolutions have biases, which go into the mean of the batch norms; those have another eps, which goes into the
variance; ResNet, VGG16 and RetinaNet take BGR, so the first kernel's channels are turned round.
What can't be put right is said in a note: where Keras pads less on the left and above than on the right and below.
"""

import re

from trizoo.ground.errors import UserError
from trizoo.weights.importers.batch_norm import EPS, with_eps, without_biases
from trizoo.weights.importers.renaming import as_float32, rename, require_backbone, take, with_layer
from trizoo.weights.importers.vgg16 import NO_HEAD, REINITIALISED, reduced, reinitialised
from trizoo.weights.names import load_names

CAFFE = {"mean": (123.68, 116.779, 103.939), "std": (1.0, 1.0, 1.0)}  # of R, G, B; applications/imagenet_utils.py
TF = {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5)}
RESNET_EPS, MOBILENET_V2_EPS = 1.001e-5, 1e-3
CLASSIFIERS = ("fc", "predictions.", "probs.", "Logits.", "Conv_1.", "Conv_1_bn.")  # not all models have Conv_1
LAST_LAYERS = ("predictions", "probs", "Logits", "fc1000")
SHIFTED = (
    "the original pads {layers} at the right and below only where the input's size is even, and our graph on all "
    "sides, so what follows lies half a pixel off; fine-tuning makes up for it"
)
XCEPTION = (
    "{source} is Keras Applications' Xception, whose middle has 8 modules and whose pools aren't aligned; the zoo has "
    "the aligned Xception-65 of DeepLab, so weights of that are needed"
)
PADS = (
    "the original pads its pool, P6 and P7 at the right and below only where an even number of cells meets them, and "
    "our graph on all sides; anchors make up for it, but not at the input's left and upper borders; fine-tuning does"
)

# conv2_block1_1_conv ... since Keras 2.2.5
RESNET_RULES = (
    (r"backbone\.stem\.(conv|bn)", r"conv1_\1"),
    (
        r"backbone\.stages\.(\d)\.blocks\.(\d+)\.conv(\d)\.(conv|bn)",
        lambda match: f"conv{int(match[1]) + 2}_block{int(match[2]) + 1}_{match[3]}_{match[4]}",
    ),
    (
        r"backbone\.stages\.(\d)\.blocks\.(\d+)\.shortcut\.(conv|bn)",
        lambda match: f"conv{int(match[1]) + 2}_block{int(match[2]) + 1}_0_{match[3]}",
    ),
)
MOBILENET_V2_RULES = (
    (r"backbone\.stem\.conv", "Conv1"),
    (r"backbone\.stem\.bn", "bn_Conv1"),
    (r"(?:backbone|head)\.last\.conv", "Conv_1"),
    (r"(?:backbone|head)\.last\.bn", "Conv_1_bn"),
    (
        r"backbone\.blocks\.(\d+)\.(expand|depthwise|project)\.(conv|bn)",
        lambda match: (
            ("expanded_conv" if match[1] == "0" else f"block_{match[1]}")
            + f"_{match[2]}{'_BN' if match[3] == 'bn' else ''}"
        ),
    ),
)
VGG16_RULES = (
    (r"backbone\.stages\.(\d)\.convs\.(\d)\.conv", lambda match: f"block{int(match[1]) + 1}_conv{int(match[2]) + 1}"),
)
RETINANET_RULES = (
    (r"fpn\.lateral_c(\d)\.conv", r"C\1_reduced"),
    (r"fpn\.output_p(\d)\.conv", r"P\1"),
    (r"fpn\.(p6|p7)\.conv", lambda match: match[1].upper()),
    (r"head_class\.tower\.(\d)\.conv", r"pyramid_classification_\1"),
    (r"head_class\.predict_class", "pyramid_classification"),
    (r"head_box\.tower\.(\d)\.conv", r"pyramid_regression_\1"),
    (r"head_box\.predict_box", "pyramid_regression"),
)


def caffe_resnet_rules(layers):
    """Rules of a ResNet with Caffe's names: res2a_branch2a, in deep ones res3b1_branch2a.

    Args:
        layers: the file's names
    """

    def name(stage, block, branch, part):
        stage, block = int(stage) + 2, int(block)
        start = {"conv": "res", "bn": "bn"}[part]
        lettered, numbered = (f"{start}{stage}{mark}_branch{branch}" for mark in (chr(ord("a") + block), f"b{block}"))
        return numbered if numbered in layers else lettered

    return (
        (r"backbone\.stem\.conv", "conv1"),
        (r"backbone\.stem\.bn", "bn_conv1"),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d+)\.conv(\d)\.(conv|bn)",
            lambda match: name(match[1], match[2], "2" + " abc"[int(match[3])], match[4]),
        ),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d+)\.shortcut\.(conv|bn)",
            lambda match: name(match[1], match[2], "1", match[3]),
        ),
    )


def import_arrays(arrays, model, source):
    """The Imported of arrays as `keras_layers.named` gives them, None for other layers than these.

    Raises UserError for networks that aren't the model's.
    """
    layers = {name.rpartition(".")[0] for name in arrays}
    if "pyramid_regression" in layers:
        return _retinanet(arrays, layers, model, source)
    if "block14_sepconv2" in layers:
        raise UserError(XCEPTION.format(source=source))
    if "conv2_block1_1_conv" in layers:
        return _resnet(arrays, RESNET_RULES, RESNET_EPS, model, source)
    if "res2a_branch2a" in layers:
        # keras-resnet's files, which have no biases, have our eps, and Keras's earlier ones its usual 1e-3
        eps = MOBILENET_V2_EPS if "res2a_branch2a.bias" in arrays else EPS
        return _resnet(arrays, caffe_resnet_rules(layers), eps, model, source)
    if "expanded_conv_depthwise" in layers:
        return _mobilenet_v2(arrays, model, source)
    if "block5_conv3" in layers:
        return _vgg16(arrays, model, source)
    return None


def import_older(arrays, layers, model, source):
    """The Imported of bubbliiiing's retinanet-keras, None for other networks.

    They have the names and shapes of keras-retinanet's, but batch norms of Keras's own eps, anchors that end at the
    input's borders, and a pool without a name of its own: keras-retinanet's is called pool1.

    Args:
        arrays: as `keras_layers.named` gives them
        layers: all that the file lists, those without arrays too
    """
    if "pyramid_regression.weight" not in arrays or not any(layer.startswith("max_pooling2d") for layer in layers):
        return None
    imported = _retinanet(arrays, {name.rpartition(".")[0] for name in arrays}, model, source)
    return imported._replace(
        arrays=with_eps(imported.arrays, MOBILENET_V2_EPS),
        settings=imported.settings | {"anchor_preset": "retinanet-keras"},
        recipe={"input_size": (600, 600), "resize": "stretch"},
    )


def _retinanet(arrays, layers, model, source):
    if not re.fullmatch(r"retinanet-resnet\d+", model):
        raise UserError(
            f"{source} is keras-retinanet's or retinanet-keras's RetinaNet and no {model}; --model retinanet-resnet50 "
            f"is needed"
        )
    imported = take(arrays, rename(model, (*caffe_resnet_rules(layers), *RETINANET_RULES)), model, source)
    settings = CAFFE | {"anchor_preset": "keras-retinanet-same", "stride_on_1x1": True, "p6_from_c5": True}
    return imported._replace(arrays=turned(imported.arrays), settings=settings, notes=(PADS,))


def _resnet(arrays, rules, eps, model, source):
    arrays, rules = with_layer(arrays, rules, model, LAST_LAYERS, turned=True)
    names = rename(model, rules)
    imported = take(arrays, names, model, source)
    modules = {ours.removesuffix(".weight"): theirs for ours, theirs in names.items() if ours.endswith(".conv.weight")}
    biases = {f"{ours}.bias": f"{theirs.removesuffix('weight')}bias" for ours, theirs in modules.items()}
    biases = {ours: theirs for ours, theirs in biases.items() if theirs in arrays}
    found = without_biases(
        imported.arrays, {ours: as_float32(theirs, arrays[theirs], source) for ours, theirs in biases.items()}
    )
    imported = imported._replace(
        arrays=turned(with_eps(found, eps)),
        unexpected=tuple(name for name in imported.unexpected if name not in biases.values()),
        settings=CAFFE | {"stride_on_1x1": True},
    )
    require_backbone(imported, CLASSIFIERS, "Keras's ResNet", model, source)
    return imported


def _mobilenet_v2(arrays, model, source):
    arrays, rules = with_layer(arrays, MOBILENET_V2_RULES, model, LAST_LAYERS, turned=True)
    imported = take(arrays, rename(model, rules), model, source)
    require_backbone(imported, CLASSIFIERS, "Keras Applications' MobileNetV2", model, source)
    note = SHIFTED.format(layers="the convolutions of stride 2")
    return imported._replace(arrays=with_eps(imported.arrays, MOBILENET_V2_EPS), settings=TF, notes=(note,))


def _vgg16(arrays, model, source):
    shapes = load_names(model)
    imported = take(arrays, rename(model, VGG16_RULES), model, source)
    if "backbone.fc6.conv.weight" not in shapes:
        require_backbone(imported, CLASSIFIERS, "Keras Applications' VGG16", model, source)
    used = tuple(f"{layer}.{leaf}" for layer in ("fc1", "fc2") for leaf in ("weight", "bias"))
    if all(name in arrays for name in used):
        weight6, bias6, weight7, bias7 = (as_float32(name, arrays[name], source) for name in used)
        # flattened were rows, columns, channels: (7 * 7 * 512, 4096)
        new = reduced((weight6.reshape(7, 7, 512, -1).transpose(3, 2, 0, 1), bias6), (weight7.T, bias7))
        notes = (NO_HEAD,) if model.startswith("classify-") else ()
    else:
        new, used, notes = reinitialised(shapes, model), (), (REINITIALISED,)
    given = imported.arrays | new
    imported = imported._replace(
        arrays=turned({name: given[name] for name in shapes if name in given}),
        missing=tuple(name for name in imported.missing if name not in new),
        unexpected=tuple(name for name in imported.unexpected if name not in used),
        settings=CAFFE,
        notes=notes,
    )
    require_backbone(imported, CLASSIFIERS, "Keras Applications' VGG16", model, source)
    return imported


def turned(arrays):
    """Arrays whose first kernel takes RGB where that given takes BGR."""
    first = next((name for name, array in arrays.items() if array.ndim == 4 and array.shape[1] == 3), None)
    return arrays if first is None else arrays | {first: arrays[first][:, ::-1]}
