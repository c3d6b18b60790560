"""bubbliiiing's repositories of segmentation models for PyTorch: deeplabv3-plus-pytorch and pspnet-pytorch.

Names and graphs: nets/*.py of github.com/bubbliiiing/{deeplabv3-plus,pspnet}-pytorch. What the graphs have that ours
haven't of their own are options of these: full convolutions, corners that meet corners, a ResNet that begins with three
convolutions, a narrower head, an Xception whose ReLUs change what is added. What is left: convolutions have biases
before batch norms, which go into their means; DeepLabv3+ puts the pooled features last in what it merges, ours first.
"""

from functools import partial

import numpy as np

from trizoo.families import model_spec
from trizoo.weights.importers.batch_norm import without_biases
from trizoo.weights.importers.bubbliiiing import BYTES, require, whole
from trizoo.weights.importers.imported import ChangedError
from trizoo.weights.importers.renaming import as_float32, rename, take
from trizoo.weights.importers.torchvision import FLAT_MOBILENET_V2_RULES, PART, resnet_rules
from trizoo.weights.names import NUM_CLASSES, load_names

DEEPLAB, PSPNET = "shortcut_conv.0.weight", "master_branch.0.bottleneck.0.weight"  # that only such a file has
BRANCH = 256  # channels of each branch of DeepLabv3+'s pyramid
PROJECT = "aspp.project.conv.weight"
STRIDE = (
    "downsample_factor isn't in the file: 16 is taken, the repository's own; a network that was trained with 8 wants "
    "--set model.output_stride=8"
)
AUXILIARY = "auxiliary_branch."
WITHOUT_AUXILIARY = "its auxiliary branch, which has a part in training alone, is left out"
NORMS = {"conv": "depthwise", "bn": "bn1"}, {"conv": "pointwise", "bn": "bn2"}  # of a separable convolution's halves


def _in_backbone(theirs, match):
    """What the rules of a backbone alone say, within a whole network."""
    return f"backbone.{match.expand(theirs) if isinstance(theirs, str) else theirs(match)}"


def _half(match):
    """A half of a separable convolution: its end "depthwise.conv" -> depthwise, "pointwise.bn" -> bn2."""
    return NORMS[match["half"] == "pointwise"][match["part"]]


HALF = r"\.(?P<half>depthwise|pointwise)\.(?P<part>conv|bn)"
FIRST_MODULE = {"entry": 1, "middle": 4, "exit": 20}
XCEPTION_RULES = (
    (r"backbone\.conv(\d)\.(conv|bn)", r"backbone.\2\1"),
    (rf"backbone\.tail\.conv(\d){HALF}", lambda match: f"backbone.conv{int(match[1]) + 2}.{_half(match)}"),
    (
        rf"backbone\.(entry|middle|exit)(?:\.(\d+))?\.conv(\d){HALF}",
        lambda match: f"backbone.block{_module(match)}.sepconv{match[3]}.{_half(match)}",
    ),
    (
        r"backbone\.(entry|exit)(?:\.(\d+))?\.shortcut\.(conv|bn)",
        lambda match: f"backbone.block{_module(match)}.skip{'bn' if match[3] == 'bn' else ''}",
    ),
)
MOBILENET_RULES = tuple((ours, partial(_in_backbone, theirs)) for ours, theirs in FLAT_MOBILENET_V2_RULES)
DEEPLAB_RULES = (
    (r"aspp\.conv\.(conv|bn)", lambda match: f"aspp.branch1.{PART[match[1]]}"),
    (r"aspp\.dilated\.(\d)\.(conv|bn)", lambda match: f"aspp.branch{int(match[1]) + 2}.{PART[match[2]]}"),
    (r"aspp\.pool\.(conv|bn)", r"aspp.branch5_\1"),
    (r"aspp\.project\.(conv|bn)", lambda match: f"aspp.conv_cat.{PART[match[1]]}"),
    (r"decoder\.low\.(conv|bn)", lambda match: f"shortcut_conv.{PART[match[1]]}"),
    (r"decoder\.conv(\d)\.(conv|bn)", lambda match: f"cat_conv.{4 * int(match[1]) - 4 + PART[match[2]]}"),
    (r"head\.predict_class", "cls_conv"),
)
PSPNET_RULES = (
    (r"pyramid\.branches\.(\d)\.(conv|bn)", lambda match: f"master_branch.0.stages.{match[1]}.{1 + PART[match[2]]}"),
    (r"head\.conv\.(conv|bn)", lambda match: f"master_branch.0.bottleneck.{PART[match[1]]}"),
    (r"head\.predict_class", "master_branch.1"),
)
# a ResNet's three first convolutions: the repository's first way, and that of resnet50s
STEMS = {
    "backbone.conv3.weight": ((r"backbone\.stem\.conv(\d)\.(conv|bn)", r"backbone.\2\1"),),
    "backbone.conv1.6.weight": (
        (r"backbone\.stem\.conv3\.bn", "backbone.bn1"),
        (
            r"backbone\.stem\.conv(\d)\.(conv|bn)",
            lambda match: f"backbone.conv1.{3 * int(match[1]) - 3 + PART[match[2]]}",
        ),
    ),
}


def import_arrays(arrays, model, source):
    """The Imported of arrays with these names, None for other names.

    Raises UserError for another model's, and for a network that was changed.
    """
    if DEEPLAB in arrays:
        return _deeplab(arrays, model, source)
    if PSPNET in arrays:
        return _pspnet(arrays, model, source)
    return None


def _deeplab(arrays, model, source):
    what, mobile = "deeplabv3-plus-pytorch's DeepLabv3+", "backbone.features.0.0.weight" in arrays
    require(model, f"deeplabv3plus-{'mobilenetv2' if mobile else 'xception65'}", what, source)
    settings = BYTES | {"align_corners": True, "separable": False} | ({} if mobile else {"rectified": True})
    rules = (*(MOBILENET_RULES if mobile else XCEPTION_RULES), *DEEPLAB_RULES)
    imported = _imported(arrays, rules, what, model, source, settings)
    kernel = imported.arrays[PROJECT]
    pooled_first = np.concatenate([kernel[:, -BRANCH:], kernel[:, :-BRANCH]], axis=1)
    return imported._replace(arrays=imported.arrays | {PROJECT: pooled_first}, notes=(STRIDE,))


def _pspnet(arrays, model, source):
    what, mobile = "pspnet-pytorch's PSPNet", "backbone.features.0.0.weight" in arrays
    require(model, f"pspnet-{'mobilenetv2' if mobile else 'resnet50'}", what, source)
    settings = BYTES | {"align_corners": True} | ({"head_channels": 80} if mobile else {"deep_stem": True})
    stem = next((rules for name, rules in STEMS.items() if name in arrays), ())
    kept = {name: array for name, array in arrays.items() if not name.startswith(AUXILIARY)}
    backbone = MOBILENET_RULES if mobile else (*stem, *resnet_rules("backbone."))
    imported = _imported(kept, (*backbone, *PSPNET_RULES), what, model, source, settings)
    notes = (STRIDE, WITHOUT_AUXILIARY) if len(kept) < len(arrays) else (STRIDE,)
    return imported._replace(notes=notes, recipe={"input_size": (473, 473)})


def _imported(arrays, rules, what, model, source, settings):
    """The Imported of a whole network, biases before batch norms within these."""
    shapes = model_spec(model, NUM_CLASSES, **settings).names(load_names(model))
    names = rename(model, rules, shapes)
    theirs = {
        f"{ours.removesuffix('weight')}bias": f"{name.removesuffix('weight')}bias" for ours, name in names.items()
    }
    biases = {
        ours: as_float32(name, arrays[name], source)
        for ours, name in theirs.items()
        if ours.endswith(".conv.bias") and ours not in shapes and name in arrays
    }
    for ours, bias in biases.items():
        if bias.shape != shapes[f"{ours.removesuffix('bias')}weight"][:1]:
            raise ChangedError(
                f"{source} holds {theirs[ours]} of shape {bias.shape}; an unchanged file of {what} is needed"
            )
    used = {theirs[ours] for ours in biases}
    rest = {name: array for name, array in arrays.items() if name not in used}
    imported = whole(take(rest, names, model, source, shapes), what, model, source)
    return imported._replace(arrays=without_biases(imported.arrays, biases), settings=settings)


def _module(match):
    """The number of a module of Xception's flows, from 1."""
    return FIRST_MODULE[match[1]] + int(match[2] or 0)
