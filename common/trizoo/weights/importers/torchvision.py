"""torchvision's names: ResNets, VGG16, MobileNetV2 trained on ImageNet, SSD300, RetinaNet and DeepLabv3, and back.

Names and graphs: torchvision/models/{resnet,vgg,mobilenetv2}.py, models/detection/{ssd,retinanet}.py and
models/segmentation/{deeplabv3,fcn}.py of github.com/pytorch/vision. Its batch norms have our eps but in
retinanet_resnet50_fpn's COCO_V1, which was trained with frozen ones of eps 0. That file has the names of before
torchvision 0.13, and no counts of batches.
"""

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.weights.importers.batch_norm import with_eps
from trizoo.weights.importers.renaming import as_float32, rename, require_backbone, take, with_layer
from trizoo.weights.importers.vgg16 import NO_HEAD, REINITIALISED, reduced, reinitialised
from trizoo.weights.names import load_names
from trizoo.weights.report import NOT_OURS

IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
VGG_SSD = {"mean": (122.99925, 116.9991, 103.9992), "std": (1.0, 1.0, 1.0)}
FEATURES_ALONE = "its normalisation isn't in it either; torchvision's of ImageNet is taken"
CLASSIFIERS = ("fc.", "classifier.", "features.18.")  # with MobileNetV2's last convolution, which not all models have
LAST_LAYERS = ("fc", "classifier.1")  # of a ResNet, of MobileNetV2
COCO_OUTPUTS = 91  # of torchvision's detectors, a background among them
PART = {"conv": 0, "bn": 1, "gn": 1}
PLACES = {"expand": 0, "depthwise": 1, "project": 2}
HEADS = {"class": "classification", "box": "regression"}
FEATURES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # places of VGG16's convolutions, by stage


def resnet_rules(prefix=""):
    """Rules of a ResNet whose names begin so."""
    return (
        (r"backbone\.stem\.(conv|bn)", rf"{prefix}\g<1>1"),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d+)\.conv(\d)\.(conv|bn)",
            lambda match: f"{prefix}layer{int(match[1]) + 1}.{match[2]}.{match[4]}{match[3]}",
        ),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d+)\.shortcut\.(conv|bn)",
            lambda match: f"{prefix}layer{int(match[1]) + 1}.{match[2]}.downsample.{PART[match[3]]}",
        ),
    )


MOBILENET_V2_RULES = (
    (r"backbone\.stem\.(conv|bn)", lambda match: f"features.0.{PART[match[1]]}"),
    (r"(?:backbone|head)\.last\.(conv|bn)", lambda match: f"features.18.{PART[match[1]]}"),
    # the first block expands nothing, so its parts are one place further up
    (r"backbone\.blocks\.0\.depthwise\.(conv|bn)", lambda match: f"features.1.conv.0.{PART[match[1]]}"),
    (r"backbone\.blocks\.0\.project\.(conv|bn)", lambda match: f"features.1.conv.{1 + PART[match[1]]}"),
    (
        r"backbone\.blocks\.(\d+)\.(expand|depthwise)\.(conv|bn)",
        lambda match: f"features.{int(match[1]) + 1}.conv.{('expand', 'depthwise').index(match[2])}.{PART[match[3]]}",
    ),
    (
        r"backbone\.blocks\.(\d+)\.project\.(conv|bn)",
        lambda match: f"features.{int(match[1]) + 1}.conv.{2 + PART[match[2]]}",
    ),
)
# of tonylins/pytorch-mobilenet-v2 and those who have it from there: a block's parts and their norms in a row
FLAT_MOBILENET_V2_RULES = (
    *MOBILENET_V2_RULES[:2],
    (
        r"backbone\.blocks\.(\d+)\.(expand|depthwise|project)\.(conv|bn)",
        lambda match: (
            f"features.{int(match[1]) + 1}.conv."
            f"{3 * (PLACES[match[2]] - (match[1] == '0')) + PART[match[3]]}"  # the first block expands nothing
        ),
    ),
)
VGG16_RULES = (
    (r"backbone\.stages\.(\d)\.convs\.(\d)\.conv", lambda match: f"features.{FEATURES[int(match[1])][int(match[2])]}"),
)
SSD_RULES = (
    # the last stage and the reduced layers are a part of what makes the second level, behind the fourth pool
    (r"backbone\.stages\.4\.convs\.(\d)\.conv", lambda match: f"backbone.extra.0.{1 + 2 * int(match[1])}"),
    (
        r"backbone\.stages\.(\d)\.convs\.(\d)\.conv",
        lambda match: f"backbone.features.{FEATURES[int(match[1])][int(match[2])]}",
    ),
    (r"backbone\.fc6\.conv", "backbone.extra.0.7.1"),
    (r"backbone\.fc7\.conv", "backbone.extra.0.7.3"),
    (
        r"extras\.(\d)\.conv(\d)\.conv",
        lambda match: f"backbone.extra.{int(match[1]) + 1}.{2 * int(match[2]) - 2}",
    ),
    (r"heads\.(\d)\.predict_(class|box)", lambda match: f"head.{HEADS[match[2]]}_head.module_list.{match[1]}"),
)
SCALE = {"l2_norm.scale": "backbone.scale_weight"}
DEEPLABV3 = ("deeplabv3-resnet50", "deeplabv3-resnet101")
# that torchvision has too; its VGG16 is another than ours
CLASSIFIERS_OF_ITS_OWN = (*(f"classify-resnet{depth}" for depth in (18, 34, 50, 101, 152)), "classify-mobilenetv2")
AUXILIARY = "aux_classifier."
WITHOUT_AUXILIARY = "its auxiliary classifier, which has a part in training alone, is left out"


def retinanet_rules(old_pyramid=False, old_towers=False):
    """Rules of a RetinaNet, also for names of before torchvision 0.13, which converts such files when it loads them.

    Args:
        old_pyramid: whether the pyramid has the old names
        old_towers: whether the heads' towers have
    """
    within = "" if old_pyramid else ".0"
    return (
        *resnet_rules("backbone.body."),
        (
            r"fpn\.(lateral_c|output_p)(\d)\.conv",
            lambda match: (
                f"backbone.fpn.{'inner' if match[1] == 'lateral_c' else 'layer'}_blocks.{int(match[2]) - 3}{within}"
            ),
        ),
        (r"fpn\.(p6|p7)\.conv", r"backbone.fpn.extra_blocks.\1"),
        (
            r"head_(class|box)\.tower\.(\d)\.(conv|gn)",
            lambda match: (
                f"head.{HEADS[match[1]]}_head.conv."
                + (f"{2 * int(match[2])}" if old_towers else f"{match[2]}.{PART[match[3]]}")
            ),
        ),
        (r"head_class\.predict_class", "head.classification_head.cls_logits"),
        (r"head_box\.predict_box", "head.regression_head.bbox_reg"),
    )


def deeplabv3_rules():
    """Rules of a DeepLabv3: its pyramid is the first layer of its classifier, and the pool in that the last branch."""
    return (
        *resnet_rules("backbone."),
        (r"aspp\.conv\.(conv|bn)", lambda match: f"classifier.0.convs.0.{PART[match[1]]}"),
        (
            r"aspp\.dilated\.(\d)\.(conv|bn)",
            lambda match: f"classifier.0.convs.{int(match[1]) + 1}.{PART[match[2]]}",
        ),
        (r"aspp\.pool\.(conv|bn)", lambda match: f"classifier.0.convs.4.{1 + PART[match[1]]}"),
        (r"aspp\.project\.(conv|bn)", lambda match: f"classifier.0.project.{PART[match[1]]}"),
        (r"head\.conv\.(conv|bn)", lambda match: f"classifier.{1 + PART[match[1]]}"),
        (r"head\.predict_class", "classifier.4"),
    )


def import_arrays(arrays, model, source):
    """The Imported of arrays with torchvision's names, None for other names.

    Classifiers give a model's backbone, and of a classifier all of it. Raises UserError for networks that aren't the
    model's.
    """
    if "backbone.body.conv1.weight" in arrays and "head.classification_head.cls_logits.weight" in arrays:
        return _retinanet(arrays, model, source)
    if "classifier.0.convs.0.0.weight" in arrays:
        return _deeplabv3(arrays, model, source)
    if "backbone.scale_weight" in arrays:
        return _ssd(arrays, model, source)
    if "layer1.0.conv1.weight" in arrays:
        return _classifier(arrays, resnet_rules(), "torchvision's ResNet", model, source)
    if "features.18.0.weight" in arrays:
        rules = FLAT_MOBILENET_V2_RULES if "features.2.conv.6.weight" in arrays else MOBILENET_V2_RULES
        return _classifier(arrays, rules, "torchvision's MobileNetV2", model, source)
    if "features.28.weight" in arrays:
        return _vgg16(arrays, model, source)
    return None


def export_names(model, part):
    """{our name: torchvision's} of a model's arrays, or of its backbone's as a classifier has them.

    Args:
        part: "model" or "backbone"

    Raises:
        UserError: for a model that torchvision doesn't have
    """
    if part == "model" and model in CLASSIFIERS_OF_ITS_OWN:
        resnet = model.startswith("classify-resnet")
        rules, last = (resnet_rules(), LAST_LAYERS[0]) if resnet else (MOBILENET_V2_RULES, LAST_LAYERS[1])
        return rename(model, (*rules, (r"head\.predict", last)))
    if part == "backbone" and ".resnet" in f".{model.replace('-', '.')}":
        return rename(model, resnet_rules())
    if part == "backbone" and "mobilenetv2" in model.split("-"):
        return rename(model, MOBILENET_V2_RULES)
    if part == "model" and model == "ssd300-vgg16":
        return rename(model, SSD_RULES) | SCALE
    if part == "model" and model.startswith("retinanet-"):
        return rename(model, retinanet_rules())
    if part == "model" and model in DEEPLABV3:
        return rename(model, deeplabv3_rules())
    raise UserError(
        f"torchvision has no {model}{' of which it has a classifier' if part == 'backbone' else ''}; ssd300-vgg16, a "
        f"RetinaNet, {' or '.join(DEEPLABV3)}, a ResNet or MobileNetV2 as classifier or as backbone is needed"
    )


def _retinanet(arrays, model, source):
    if not model.startswith("retinanet-"):
        raise UserError(f"{source} is a RetinaNet of torchvision's and no {model}; --model retinanet-... is needed")
    old_towers = "head.classification_head.conv.0.weight" in arrays
    rules = retinanet_rules("backbone.fpn.inner_blocks.0.weight" in arrays, old_towers)
    imported = take(arrays, rename(model, rules), model, source)
    outputs = arrays["head.classification_head.cls_logits.weight"].shape[0]
    anchors = arrays["head.regression_head.bbox_reg.weight"].shape[0] // 4
    frozen = not any(name.endswith(NOT_OURS) for name in arrays)
    settings = IMAGENET | {"anchor_preset": "retinanet", "p6_from_c5": _p6_from_c5(imported.arrays)}
    if old_towers and frozen and outputs == COCO_OUTPUTS * anchors:
        imported = imported._replace(arrays=with_eps(imported.arrays, 0.0))
    return imported._replace(settings=settings, background=True)


def _p6_from_c5(arrays):
    kernel = arrays.get("fpn.p6.conv.weight")
    return kernel is not None and kernel.shape[0] != kernel.shape[1]


def _deeplabv3(arrays, model, source):
    """All but the auxiliary classifier. Nothing needs to be said of the output stride: each has the other's own, 8."""
    if model not in DEEPLABV3:
        raise UserError(f"{source} is torchvision's DeepLabv3 and no {model}; --model {DEEPLABV3[0]} is needed")
    kept = {name: array for name, array in arrays.items() if not name.startswith(AUXILIARY)}
    imported = take(kept, rename(model, deeplabv3_rules()), model, source)
    require_backbone(imported, ("classifier.",), "torchvision's DeepLabv3", model, source)
    notes = (WITHOUT_AUXILIARY,) if len(kept) < len(arrays) else ()
    return imported._replace(settings=IMAGENET, notes=notes)


def _ssd(arrays, model, source):
    if model != "ssd300-vgg16":
        raise UserError(f"{source} is torchvision's SSD on VGG16 and no {model}; --model ssd300-vgg16 is needed")
    imported = take(arrays, rename(model, SSD_RULES) | SCALE, model, source)
    return imported._replace(settings=VGG_SSD | {"anchor_preset": "ssd300"})


def _classifier(arrays, rules, what, model, source):
    arrays, rules = with_layer(arrays, rules, model, LAST_LAYERS)
    imported = take(arrays, rename(model, rules), model, source)
    require_backbone(imported, CLASSIFIERS, what, model, source)
    return imported._replace(settings=IMAGENET)


def _vgg16(arrays, model, source):
    """VGG16, whose classifier becomes fc6 and fc7.

    Where it has no numbers it is IMAGENET1K_FEATURES, SSD's, with a normalisation of its own; a file without one is
    taken for the features of the usual VGG16.
    """
    shapes = load_names(model)
    imported = take(arrays, rename(model, VGG16_RULES), model, source)
    if "backbone.fc6.conv.weight" not in shapes:
        require_backbone(imported, CLASSIFIERS, "torchvision's VGG16", model, source)
    used = tuple(f"classifier.{place}.{leaf}" for place in (0, 3) for leaf in ("weight", "bias"))
    whole = all(name in arrays for name in used)
    trained = whole and all(_has_numbers(arrays[name]) for name in used)
    if trained:
        weight6, bias6, weight7, bias7 = (as_float32(name, arrays[name], source) for name in used)
        new = reduced((weight6.reshape(-1, 512, 7, 7), bias6), (weight7, bias7))
    else:
        new, used = reinitialised(shapes, model), ()
    given = imported.arrays | new
    imported = imported._replace(
        arrays={name: given[name] for name in shapes if name in given},
        missing=tuple(name for name in imported.missing if name not in new),
        unexpected=tuple(name for name in imported.unexpected if name not in used),
        settings=VGG_SSD if whole and not trained else IMAGENET,
        notes=() if trained else (REINITIALISED,) if whole else (REINITIALISED, FEATURES_ALONE),
    )
    if trained and model.startswith("classify-"):
        imported = imported._replace(notes=(NO_HEAD,))
    require_backbone(imported, CLASSIFIERS, "torchvision's VGG16", model, source)
    return imported


def _has_numbers(array):
    """Whether an array's first row, or the array, isn't the same everywhere, nor nan."""
    row = array[0] if array.ndim > 1 else array
    return bool(np.isfinite(row).all() and np.ptp(row) > 0)
